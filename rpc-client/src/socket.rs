//! A WebSocket to a server, over any stream.

use rpc_core::transport::{Connection, Endpoint, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::agreed::Agreed;

/// A WebSocket after its handshake.
///
/// The type of the stream is erased only here, for the start of the link. The connection itself knows the type: a
/// dynamic call for each read and write would cost every RPC call.
pub(crate) struct Socket {
    stream: Box<dyn Stream>,
    pub(crate) agreed: Agreed,
}

/// A WebSocket over a stream of any type.
trait Stream: Send {
    fn spawn(self: Box<Self>, endpoint: Endpoint);
    fn attach(self: Box<Self>, connection: &mut Connection, is_extended: bool);
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for WebSocket<S> {
    fn spawn(self: Box<Self>, endpoint: Endpoint) {
        drop(tokio::spawn(endpoint.connect(*self)));
    }

    fn attach(self: Box<Self>, connection: &mut Connection, is_extended: bool) {
        connection.attach(*self, is_extended);
    }
}

impl Socket {
    pub(crate) fn new<S>((socket, agreed): (WebSocket<S>, Agreed)) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self { stream: Box::new(socket), agreed }
    }

    /// Starts the task that carries the connection. Returns the parameters that the server has agreed to.
    pub(crate) fn spawn(self, endpoint: Endpoint) -> Agreed {
        self.stream.spawn(endpoint);
        self.agreed
    }

    /// Gives the socket to a connection that outlives its links. Returns the parameters that the server has agreed to.
    pub(crate) fn attach(self, connection: &mut Connection) -> Agreed {
        self.stream.attach(connection, self.agreed.answers_hello);
        self.agreed
    }
}
