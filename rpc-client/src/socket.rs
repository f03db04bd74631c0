//! A WebSocket to a server, over whatever carries it.

use rpc_core::transport::{Endpoint, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::handshake::Agreed;

/// A WebSocket whose handshake is done.
///
/// What carries it is forgotten only here, and known again where it is driven: to ask each time that bytes
/// move would cost every call.
pub(crate) struct Socket {
    spawn: Box<dyn FnOnce(Endpoint) + Send>,
    pub(crate) agreed: Agreed,
}

impl Socket {
    pub(crate) fn new<S>((socket, agreed): (WebSocket<S>, Agreed)) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let spawn = Box::new(|endpoint: Endpoint| drop(tokio::spawn(endpoint.connect(socket))));
        Self { spawn, agreed }
    }

    /// Starts the task that carries the connection; what the server has agreed to.
    pub(crate) fn spawn(self, endpoint: Endpoint) -> Agreed {
        (self.spawn)(endpoint);
        self.agreed
    }
}
