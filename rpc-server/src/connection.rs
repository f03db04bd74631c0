//! One connection's task, from its accept to the last hook.

use std::pin::Pin;
use std::sync::Arc;

use rpc_core::{CloseCode, Connection, Endpoint, Peer, WebSocket};

use crate::due::Due;
use crate::http::{Came, Exchange};
use crate::listener::Socket;
use crate::seat::Seat;
use crate::shared::Shared;
use crate::visitor::Visitor;

/// Carries a connection. Each phase is in a box of its own, freed before the next: a task is as
/// large as the largest thing it ever holds, and HTTP needs far more than an idle connection.
pub(crate) fn run<S: Socket>(
    shared: Arc<Shared>,
    stream: S,
    visitor: Visitor,
    seat: Seat,
    due: Due,
) -> impl Future<Output = ()> + Send {
    // Made here: what an `async fn` is given it keeps to its end.
    let handshake = Box::pin(handshake(shared.clone(), stream, visitor, seat, due));
    async move {
        let (seat, came, socket) = handshake.await;
        match came {
            Came::Nobody => shared.totals.refused(),
            Came::Looked => {}
            Came::ForAnswer(peer) => shared.see_off(peer).await,
            Came::ForWebSocket(endpoint) => shared.serve(endpoint, socket).await,
        }
        // Now the server may end, and another may have the place.
        drop(seat);
    }
}

/// The HTTP part, unless it takes too long or the server stops.
async fn handshake<S: Socket>(
    shared: Arc<Shared>,
    stream: S,
    visitor: Visitor,
    mut seat: Seat,
    due: Due,
) -> (Seat, Came, Option<Box<WebSocket<S>>>) {
    let mut member = shared.lifecycle.join();
    let mut came = Came::Nobody;
    let exchange = Exchange::new(shared, visitor, due.clone(), &mut seat, &mut came);
    let socket = tokio::select! {
        biased;
        () = exchange.broken_off(&mut member) => None,
        socket = due.limit(exchange.run(stream)) => socket.flatten().map(Box::new),
    };
    (seat, came, socket)
}

impl Shared {
    /// Carries a WebSocket to its end, if its client waited for it.
    pub(crate) fn serve<S: Socket>(
        &self,
        endpoint: Endpoint,
        socket: Option<Box<WebSocket<S>>>,
    ) -> impl Future<Output = ()> + Send {
        let peer = endpoint.peer();
        let connection = socket.map(|socket| connect(endpoint, socket));
        if connection.is_some() {
            self.stop_if_late(&peer);
        }
        async move {
            if let Some(connection) = connection {
                connection.await;
            }
            self.see_off(peer).await;
        }
    }

    /// What is to be done when a connection is gone.
    pub(crate) async fn see_off(&self, peer: Peer) {
        let reason = peer.closed().await;
        self.totals.keep(&peer, self.lifecycle.stops());
        let limit = self.limits().close;
        Box::pin(self.settings.hooks.disconnect(peer, reason, limit)).await;
    }

    /// Stops a connection that came into being while the server's peers were being told to.
    pub(crate) fn stop_if_late(&self, peer: &Peer) {
        if self.lifecycle.stops() {
            peer.drain(CloseCode::RESTARTING, &self.settings.farewell, self.lifecycle.left());
        }
    }
}

/// A function of its own, so that the box of the socket is gone before anything is awaited.
#[expect(clippy::boxed_local, reason = "a task must not have room for the socket itself")]
fn connect<S: Socket>(
    endpoint: Endpoint,
    socket: Box<WebSocket<S>>,
) -> Pin<Box<Connection<WebSocket<S>>>> {
    Box::pin(endpoint.connect(*socket))
}
