//! A WebSocket to a server, over whatever carries it.

use rpc_core::{Endpoint, WebSocket};
use tokio::net::TcpStream;
#[cfg(feature = "tls-no-provider")]
use tokio_rustls::client::TlsStream;

/// A WebSocket whose handshake is done.
///
/// Its kinds part only when it is driven: to ask each time that bytes move would cost every call.
pub(crate) enum Socket {
    Plain(Box<WebSocket<TcpStream>>),
    #[cfg(feature = "tls-no-provider")]
    Tls(Box<WebSocket<TlsStream<TcpStream>>>),
}

impl Socket {
    /// Starts the task that carries the connection.
    pub(crate) fn spawn(self, endpoint: Endpoint) {
        match self {
            Self::Plain(socket) => drop(tokio::spawn(endpoint.connect(*socket))),
            #[cfg(feature = "tls-no-provider")]
            Self::Tls(socket) => drop(tokio::spawn(endpoint.connect(*socket))),
        }
    }
}
