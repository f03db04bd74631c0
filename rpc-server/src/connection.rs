//! One connection's task, from the TCP connection to the last hook.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use rpc_core::{CloseCode, CloseReason, Connection, Endpoint, Peer, WebSocket};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::http::Exchange;
use crate::lifecycle::Member;
use crate::shared::Shared;
use crate::slots::Slot;

/// What a connection that may still be made consists of.
pub(crate) struct Arrival {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stream: TcpStream,
    pub(crate) remote: SocketAddr,
    pub(crate) slot: Slot,
    pub(crate) member: Member,
}

type Socket = Box<WebSocket<TcpStream>>;

/// Carries a connection. Each phase is in a box of its own, freed before the next: a task is as
/// large as the largest thing it ever holds, and HTTP needs far more than an idle connection.
pub(crate) async fn run(arrival: Arrival) {
    let Arrival { shared, stream, remote, slot, mut member } = arrival;
    let accepted = Arc::new(Mutex::new(None));
    let exchange = Exchange {
        shared: shared.clone(),
        remote,
        is_served: slot.is_served,
        accepted: accepted.clone(),
    };
    let socket = Box::pin(handshake(exchange, stream, &shared, &mut member)).await;
    let Some(endpoint) = accepted.lock().unwrap().take() else {
        shared.totals.refused();
        return;
    };
    drop(accepted);
    let peer = endpoint.peer();
    let reason = match socket {
        Some(socket) => {
            let connection = connect(endpoint, socket);
            stop_if_late(&peer, &member);
            connection.await
        }
        None => never_made(endpoint).await,
    };
    shared.totals.keep(&peer.stats());
    let limit = shared.setup.limits.close;
    Box::pin(shared.hooks.disconnect(peer, reason, limit)).await;
    // Now the server may end, and another may have the place.
    drop((slot, member));
}

/// The HTTP part, unless it takes too long or the server stops.
async fn handshake(
    exchange: Exchange,
    stream: TcpStream,
    shared: &Shared,
    member: &mut Member,
) -> Option<Socket> {
    // Small messages must not wait for the acknowledgement of earlier ones.
    stream.set_nodelay(true).ok()?;
    let exchange = timeout(shared.setup.limits.handshake, exchange.run(stream));
    tokio::select! {
        biased;
        () = member.stopped() => None,
        socket = exchange => socket.ok().flatten().map(Box::new),
    }
}

/// A function of its own, so that the box of the socket is gone before anything is awaited.
fn connect(endpoint: Endpoint, socket: Socket) -> Pin<Box<Connection<WebSocket<TcpStream>>>> {
    Box::pin(endpoint.connect(*socket))
}

/// Stops a connection that came into being while the server's peers were being told to.
fn stop_if_late(peer: &Peer, member: &Member) {
    if let Some(until) = member.stops_at() {
        let grace = until.saturating_duration_since(Instant::now());
        peer.drain(CloseCode::RESTARTING, "shutting down", grace);
    }
}

/// The client did not wait for the end of the handshake.
async fn never_made(endpoint: Endpoint) -> CloseReason {
    let peer = endpoint.peer();
    drop(endpoint);
    peer.closed().await
}
