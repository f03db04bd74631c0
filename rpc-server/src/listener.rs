//! What a server listens on: a TCP port, or a Unix socket.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// What can carry a WebSocket.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for S {}

/// What [`serve_listener`](crate::Builder::serve_listener) takes: a listener of tokio's for TCP, or, on
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
    /// The path of the socket, if it has one.
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
            Kind::Unix(listener) => {
                let address = listener.local_addr()?;
                Ok(Address::Unix(address.as_pathname().map(Into::into)))
            }
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
                let socket = socket.as_deref().unwrap_or("".as_ref());
                format!("{scheme}+unix://{}{path}", socket.display())
            }
            Self::Mounted => path.to_owned(),
        }
    }
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
