//! What a server listens on: a TCP port, or a Unix socket.

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

/// What can carry a WebSocket.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for S {}

/// What [`listen_on`](crate::ServerBuilder::listen_on) takes: a listener of tokio's for TCP, or, on
/// Unix, for a Unix socket.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// A connection that was accepted, and where it comes from.
pub(crate) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Where a server can be reached.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    /// The path of the socket, absolute, if it has one; on Linux also a name, with a zero byte before it.
    #[cfg(unix)]
    Unix(Option<PathBuf>),
    /// Where the app is that the server is a part of.
    Mounted,
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match &self.0 {
            Kind::Tcp(listener) => {
                let (stream, remote) = listener.accept().await?;
                Ok(Accepted::Tcp(stream, remote))
            }
            #[cfg(unix)]
            Kind::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }

    pub(crate) fn address(&self) -> io::Result<Address> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            #[cfg(unix)]
            Kind::Unix(listener) => Ok(Address::Unix(path_of(&listener.local_addr()?)?)),
        }
    }
}

impl Address {
    /// The address, where it is one of TCP.
    pub(crate) fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            #[cfg(unix)]
            Self::Unix(_) => None,
            Self::Mounted => None,
        }
    }

    /// What to connect to; the app that a server is mounted in knows the rest.
    pub(crate) fn url(&self, scheme: &str, path: Option<&str>) -> String {
        let path = path.unwrap_or_default();
        match self {
            // A zone of IPv6 stands behind an escaped `%` (RFC 6874).
            Self::Tcp(address) => {
                format!("{scheme}://{}{path}", address.to_string().replace('%', "%25"))
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                let socket = socket.as_deref().unwrap_or("".as_ref()).as_os_str().as_bytes();
                let colon = if path.is_empty() { "" } else { ":" };
                format!("{scheme}+unix://{}{colon}{path}", percent_encode(socket, ESCAPED))
            }
            Self::Mounted => path.to_owned(),
        }
    }
}

/// All but what may stand in the path of a URL as it is (RFC 3986, section 3.3): above all `:`, which ends the path
/// of the socket.
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

/// A path that leads to the socket from any directory; on Linux it may be a name that is no file, which tokio
/// takes with a zero byte before it.
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
        Self(Kind::Tcp(listener))
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self(Kind::Unix(listener))
    }
}
