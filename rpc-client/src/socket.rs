//! A link to a server: a WebSocket over any stream, or server-sent events and `POST`.

use rpc_core::transport::{Connection, Endpoint, Transport, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::agreed::Agreed;
use crate::fallback::Carrier;
use crate::opened::Opened;
use crate::sse::{Opening, SseCarrier};

/// A WebSocket after its handshake, or a link over server-sent events that is to be opened.
///
/// The type of the stream is erased only here, for the start of the link. The connection itself knows the type: a
/// dynamic call for each read and write would cost every RPC call.
pub(crate) struct Socket {
    stream: Box<dyn Stream>,
    pub(crate) agreed: Agreed,
    /// How to hear of the opening of the link. `None` for a WebSocket, which is open.
    pub(crate) opened: Option<Opened>,
}

/// A transport of any type.
trait Stream: Send {
    fn spawn(self: Box<Self>, endpoint: Endpoint);
    fn attach(self: Box<Self>, connection: &mut Connection, is_extended: bool);
}

impl<T: Transport> Stream for T {
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
        Self { stream: Box::new(socket), agreed, opened: None }
    }

    /// Makes a link over server-sent events, which opens when the connection says hello.
    pub(crate) fn by_sse(opening: Opening) -> Self {
        let (carrier, opened) = SseCarrier::new(opening);
        let agreed = Agreed { answers_hello: true, subprotocol: None, carrier: Carrier::Sse };
        Self { stream: Box::new(carrier), agreed, opened: Some(opened) }
    }

    /// Starts the task that carries the connection. Returns the parameters that the server has agreed to, and how to
    /// hear of the opening.
    pub(crate) fn spawn(self, endpoint: Endpoint) -> (Agreed, Option<Opened>) {
        self.stream.spawn(endpoint);
        (self.agreed, self.opened)
    }

    /// Gives the link to a connection that outlives its links. Returns the parameters that the server has agreed to, and
    /// how to hear of the opening.
    pub(crate) fn attach(self, connection: &mut Connection) -> (Agreed, Option<Opened>) {
        self.stream.attach(connection, self.agreed.answers_hello);
        (self.agreed, self.opened)
    }
}
