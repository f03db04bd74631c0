//! A WebSocket to a server, over whatever carries it.

use rpc_core::{Endpoint, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

/// A WebSocket whose handshake is done.
///
/// What carries it is forgotten only here, and known again where it is driven: to ask each time that bytes
/// move would cost every call.
pub(crate) struct Socket(Box<dyn FnOnce(Endpoint) + Send>);

impl Socket {
    pub(crate) fn new<S>(socket: WebSocket<S>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(Box::new(|endpoint| drop(tokio::spawn(endpoint.connect(socket)))))
    }

    /// Starts the task that carries the connection.
    pub(crate) fn spawn(self, endpoint: Endpoint) {
        (self.0)(endpoint);
    }
}
