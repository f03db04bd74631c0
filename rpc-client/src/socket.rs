//! A WebSocket to a server, over any stream.

use rpc_core::transport::{Endpoint, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::handshake::Agreed;

/// A WebSocket after its handshake.
///
/// The type of the stream is erased only here, for the start of the task. The task itself knows the type: a dynamic
/// call for each read and write would cost every RPC call.
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

    /// Starts the task that carries the connection. Returns the parameters that the server has agreed to.
    pub(crate) fn spawn(self, endpoint: Endpoint) -> Agreed {
        (self.spawn)(endpoint);
        self.agreed
    }
}
