//! A WebSocket to a server, over whatever carries it.

use rpc_core::{Endpoint, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

/// A WebSocket whose handshake is done.
///
/// What carries it is forgotten only here, and known again where it is driven: to ask each time that bytes
/// move would cost every call.
pub(crate) struct Socket {
    spawn: Box<dyn FnOnce(Endpoint) + Send>,
    /// Whether the server has said that it knows what lies beyond JSON-RPC 2.0.
    pub(crate) answers_hello: bool,
}

impl Socket {
    pub(crate) fn new<S>((socket, answers_hello): (WebSocket<S>, bool)) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let spawn = Box::new(|endpoint: Endpoint| drop(tokio::spawn(endpoint.connect(socket))));
        Self { spawn, answers_hello }
    }

    /// Starts the task that carries the connection.
    pub(crate) fn spawn(self, endpoint: Endpoint) {
        (self.spawn)(endpoint);
    }
}
