//! A link to a server, over any transport.

use rpc_core::transport::{Connection, Endpoint, Transport};

use crate::agreed::Agreed;
use crate::fallback::Carrier;
use crate::opened::Opened;
use crate::sse::{Opening, SseCarrier};

/// A link after its handshake, or a link over server-sent events that is to be opened.
///
/// The type of the transport is erased only here, for the start of the link. The connection itself knows the type: a
/// dynamic call for each read and write would cost every RPC call.
pub(crate) struct Socket {
    link: Box<dyn Link>,
    pub(crate) agreed: Agreed,
    /// How to hear of the opening of the link. `None` if the link is open.
    opened: Option<Opened>,
}

/// A transport of any type.
trait Link: Send {
    fn spawn(self: Box<Self>, endpoint: Endpoint);
    fn attach(self: Box<Self>, connection: &mut Connection, is_extended: bool);
}

impl<T: Transport> Link for T {
    fn spawn(self: Box<Self>, endpoint: Endpoint) {
        drop(tokio::spawn(endpoint.connect(*self)));
    }

    fn attach(self: Box<Self>, connection: &mut Connection, is_extended: bool) {
        connection.attach(*self, is_extended);
    }
}

impl Socket {
    pub(crate) fn new((transport, agreed): (impl Transport, Agreed)) -> Self {
        Self { link: Box::new(transport), agreed, opened: None }
    }

    /// Makes a link that opens when the connection says hello.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn opening((transport, agreed): (impl Transport, Agreed), opened: Opened) -> Self {
        Self { opened: Some(opened), ..Self::new((transport, agreed)) }
    }

    /// Makes a link without a handshake, in which nothing was agreed.
    pub(crate) fn unagreed(transport: impl Transport) -> Self {
        let carrier = Carrier::ByteStream;
        Self::new((transport, Agreed { answers_hello: false, subprotocol: None, carrier }))
    }

    /// Makes a link over server-sent events, which opens when the connection says hello.
    pub(crate) fn by_sse(opening: Opening) -> Self {
        let (carrier, opened) = SseCarrier::new(opening);
        let agreed = Agreed { answers_hello: true, subprotocol: None, carrier: Carrier::Sse };
        Self::opening((carrier, agreed), opened)
    }

    /// Starts the task that carries the connection. Returns the parameters that the server has agreed to, and how to
    /// hear of the opening.
    pub(crate) fn spawn(self, endpoint: Endpoint) -> (Agreed, Option<Opened>) {
        self.link.spawn(endpoint);
        (self.agreed, self.opened)
    }

    /// Gives the link to a connection that outlives its links. Returns the parameters that the server has agreed to, and
    /// how to hear of the opening.
    pub(crate) fn attach(self, connection: &mut Connection) -> (Agreed, Option<Opened>) {
        self.link.attach(connection, self.agreed.answers_hello);
        (self.agreed, self.opened)
    }
}
