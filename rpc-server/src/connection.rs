//! The task of a connection, from the accept to `on_disconnect`.

use std::pin::Pin;
use std::sync::Arc;

use rpc_core::internal::{drop_values, forget_ended_sessions};
use rpc_core::transport::WebSocket;
use rpc_core::{CloseCode, Peer};

use crate::admission::Admission;
use crate::client_info::ClientInfo;
use crate::deadline::Deadline;
use crate::http::{Exchange, Exchanged, Left};
use crate::listener::Socket;
use crate::serve::Admitted;
use crate::shared::Shared;
use crate::sse::pump;

/// Carries a connection. Each phase is in a box of its own, which is freed before the next phase: a task is as large as
/// the largest value that it ever holds, and HTTP needs far more than an idle connection.
pub(crate) fn run<S: Socket>(
    shared: Arc<Shared>,
    stream: S,
    client_info: ClientInfo,
    admission: Admission,
    deadline: Deadline,
) -> impl Future<Output = ()> + Send {
    // Made outside of the `async` block, since an `async fn` keeps its arguments until its end.
    let exchanging = Box::pin(exchange(shared.clone(), stream, client_info, admission, deadline));
    async move {
        match exchanging.await {
            Some(After::WebSocket(upgraded)) => upgraded.serve(&shared).await,
            Some(After::Stream(pump)) => pump.await,
            None => {}
        }
    }
}

/// What follows the HTTP part.
enum After<S> {
    WebSocket(Box<Upgraded<S>>),
    Stream(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// A client whose handshake is over. In a box: a place for it would be kept beside that of the connection.
struct Upgraded<S> {
    admitted: Admitted,
    /// `None` if the client did not wait for the upgrade.
    socket: Option<Box<WebSocket<S>>>,
    admission: Admission,
}

impl<S: Socket> Upgraded<S> {
    #[expect(clippy::boxed_local, reason = "the box is freed before the connection is carried")]
    fn serve(self: Box<Self>, shared: &Arc<Shared>) -> impl Future<Output = ()> + Send + use<S> {
        shared.serve(self.admitted, self.socket, self.admission)
    }
}

/// Runs the HTTP part, and all that follows if there is no WebSocket.
async fn exchange<S: Socket>(
    shared: Arc<Shared>,
    stream: S,
    client_info: ClientInfo,
    admission: Admission,
    deadline: Deadline,
) -> Option<After<S>> {
    let handshake = Box::pin(handshake(shared.clone(), stream, client_info, admission, deadline));
    let (admission, exchanged, left) = handshake.await;
    let (socket, connection) = match left {
        Left::Nothing => (None, None),
        Left::WebSocket(socket) => (Some(socket), None),
        Left::Connection(connection) => (None, Some(connection)),
    };
    match exchanged {
        Exchanged::Refused => shared.totals.refused(),
        Exchanged::RefusedByClose(refusal) => {
            shared.totals.refused();
            if let Some(socket) = socket {
                Box::pin(refusal.tell(*socket, shared.limits().close)).await;
            }
        }
        Exchanged::Probe | Exchanged::OfLinks => {}
        Exchanged::Stream(answer) => {
            // The link has its own admission.
            let pump = connection.map(|connection| pump(shared, connection, answer));
            return pump.map(|pump| After::Stream(Box::pin(pump)));
        }
        Exchanged::Post(peer) => shared.settle(peer, true).await,
        Exchanged::Upgraded(admitted) => {
            let admission = admission.expect("who is admitted has an admission");
            return Some(After::WebSocket(Upgraded { admitted, socket, admission }.into()));
        }
    }
    // Dropping the admission lets the server end, and lets another connection have the permit.
    drop(admission);
    None
}

/// Runs the HTTP part, unless it takes too long or the server stops.
async fn handshake<S: Socket>(
    shared: Arc<Shared>,
    stream: S,
    client_info: ClientInfo,
    admission: Admission,
    deadline: Deadline,
) -> (Option<Admission>, Exchanged, Left<S>) {
    let mut member = shared.lifecycle.join();
    let (mut admission, mut exchanged) = (Some(admission), Exchanged::Refused);
    let exchange =
        Exchange::new(shared, client_info, deadline.clone(), &mut admission, &mut exchanged);
    let left = tokio::select! {
        biased;
        () = exchange.broken_off(&mut member) => Left::Nothing,
        left = deadline.limit(exchange.run(stream)) => left.unwrap_or(Left::Nothing),
    };
    (admission, exchanged, left)
}

impl Shared {
    /// Waits for the end of a connection, and counts the connection. Runs `on_disconnect` if the connection
    /// `was_opened`. In a box, which an idle connection does not have.
    pub(crate) fn settle(
        &self,
        peer: Peer,
        was_opened: bool,
    ) -> Pin<Box<impl Future<Output = ()> + Send>> {
        Box::pin(async move {
            let reason = peer.closed().await;
            self.totals.keep(&peer, self.lifecycle.stops());
            if was_opened {
                self.settings.hooks.disconnect(peer.clone(), reason, self.limits().close).await;
            }
            drop_values(&peer);
            if self.lifecycle.stops() {
                forget_ended_sessions(self.registry());
            }
        })
    }

    /// Drains a connection that was made while `shutdown` was draining the others.
    pub(crate) fn stop_if_late(&self, peer: &Peer) {
        if self.lifecycle.stops() {
            peer.drain(CloseCode::RESTARTING, &self.settings.goaway, self.lifecycle.left());
        }
    }
}
