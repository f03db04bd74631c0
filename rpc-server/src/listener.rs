//! [`Listener`]: the TCP port or Unix socket on which a server listens.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::unix::ffi::OsStringExt;
#[cfg(unix)]
use std::path::{PathBuf, absolute};

#[cfg(unix)]
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream, unix};

#[cfg(unix)]
use crate::unix_socket::{OwnSocket, SocketFiles};

/// A byte stream that can carry a WebSocket.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for S {}

/// A listener for [`listen_on`](crate::ServerBuilder::listen_on). Made by `into` from a `TcpListener` of
/// tokio or, on Unix, from a `UnixListener` of tokio.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    /// The files of a socket that this server has made, until the listener is closed.
    #[cfg(unix)]
    _files: Option<SocketFiles>,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// An accepted connection, with its remote address.
pub(crate) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The address of a server.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    /// The absolute path of the socket; `None` if the socket has no path. On Linux also an abstract name, after a zero
    /// byte.
    #[cfg(unix)]
    Unix(Option<PathBuf>),
    /// The server is mounted in an app, which has the address.
    Mounted,
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, remote) = listener.accept().await?;
                Ok(Accepted::Tcp(stream, remote))
            }
            #[cfg(unix)]
            Kind::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }

    /// Returns the TCP listener, if this is one.
    pub(crate) fn tcp(&self) -> Option<&TcpListener> {
        match &self.kind {
            Kind::Tcp(listener) => Some(listener),
            #[cfg(unix)]
            Kind::Unix(_) => None,
        }
    }

    pub(crate) fn address(&self) -> io::Result<Address> {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            #[cfg(unix)]
            Kind::Unix(listener) => Ok(Address::Unix(path_of(&listener.local_addr()?)?)),
        }
    }
}

impl Address {
    /// Returns the TCP address, if this is one.
    pub(crate) fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            #[cfg(unix)]
            Self::Unix(_) => None,
            Self::Mounted => None,
        }
    }

    pub(crate) fn is_unix(&self) -> bool {
        match self {
            #[cfg(unix)]
            Self::Unix(_) => true,
            Self::Tcp(_) | Self::Mounted => false,
        }
    }

    /// Returns the URL for clients. For a mounted server the URL is the path alone, since only the app knows the rest.
    pub(crate) fn url(&self, scheme: &str, path: Option<&str>) -> String {
        let path = path.unwrap_or_default();
        match self {
            // In a URL the zone of an IPv6 address follows an escaped `%` (RFC 6874).
            Self::Tcp(address) => {
                format!("{scheme}://{}{path}", address.to_string().replace('%', "%25"))
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                let socket = socket.as_deref().unwrap_or("".as_ref()).as_os_str().as_bytes();
                let colon = if path.is_empty() { "" } else { ":" };
                format!("{scheme}://{}{colon}{path}", percent_encode(socket, ESCAPED))
            }
            Self::Mounted => path.to_owned(),
        }
    }
}

/// All characters that must be escaped in the path of a socket. The path of a URL may have more characters unescaped
/// (RFC 3986, section 3.3), but `:` ends the path of the socket.
#[cfg(unix)]
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+')
    .remove(b',')
    .remove(b'=');

/// Returns an absolute path, which leads to the socket from any directory. On Linux the socket may have an abstract
/// name instead of a file; tokio expects such a name after a zero byte.
#[cfg(unix)]
fn path_of(address: &unix::SocketAddr) -> io::Result<Option<PathBuf>> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = address.as_abstract_name() {
        return Ok(Some(OsString::from_vec([b"\0", name].concat()).into()));
    }
    address.as_pathname().map(absolute).transpose()
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self {
            kind: Kind::Tcp(listener),
            #[cfg(unix)]
            _files: None,
        }
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self { kind: Kind::Unix(listener), _files: None }
    }
}

#[cfg(unix)]
impl From<OwnSocket> for Listener {
    fn from(OwnSocket { listener, files }: OwnSocket) -> Self {
        Self { kind: Kind::Unix(listener), _files: Some(files) }
    }
}
