//! A WebSocket to a server, after its handshake.

use rpc_core::internal::runtime::spawn;
use rpc_core::transport::{Connection, Endpoint};

use super::page_socket::PageSocket;
use crate::agreed::Agreed;
use crate::opened::Opened;

/// A WebSocket after its handshake.
pub(crate) struct Socket {
    socket: PageSocket,
    pub(crate) agreed: Agreed,
}

impl Socket {
    pub(super) fn new(socket: PageSocket, agreed: Agreed) -> Self {
        Self { socket, agreed }
    }

    /// Starts the task that carries the connection. Returns the parameters that the server has agreed to. The link is
    /// open.
    pub(crate) fn spawn(self, endpoint: Endpoint) -> (Agreed, Option<Opened>) {
        drop(spawn(endpoint.connect(self.socket)));
        (self.agreed, None)
    }

    /// Gives the socket to a connection that outlives its links. Returns the parameters that the server has agreed to.
    /// The link is open.
    pub(crate) fn attach(self, connection: &mut Connection) -> (Agreed, Option<Opened>) {
        connection.attach(self.socket, self.agreed.answers_hello);
        (self.agreed, None)
    }
}
