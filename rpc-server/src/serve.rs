//! A WebSocket from the end of its handshake to `on_disconnect`: a connection, or another link of one.

use std::sync::Arc;

use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, HandlerHold, WebSocket,
};
use rpc_core::{CloseCode, Link, Peer};
use tokio::pin;

use crate::admission::Admission;
use crate::listener::Socket;
use crate::shared::Shared;

/// A client that was admitted.
pub(crate) struct Admitted {
    pub(crate) endpoint: Endpoint,
    /// Whether the first message may resume a session.
    pub(crate) is_resuming: bool,
}

/// A connection that has begun.
struct Begun {
    connection: Box<Connection>,
    /// Holds back handlers until `on_open` has run.
    hold: Option<HandlerHold>,
    /// Whether `on_open` waits until the client knows of its session.
    awaits_up: bool,
}

impl Shared {
    /// Carries a WebSocket until its end. `socket` is `None` if the client did not wait for the upgrade. Each phase is
    /// in a box of its own, which is freed before the next phase.
    pub(crate) fn serve<S: Socket>(
        self: &Arc<Self>,
        admitted: Admitted,
        socket: Option<Box<WebSocket<S>>>,
        mut admission: Admission,
    ) -> impl Future<Output = ()> + Send + use<S> {
        let Admitted { endpoint, is_resuming } = admitted;
        let (shared, peer) = (self.clone(), endpoint.peer());
        // Made outside of the `async` block: a link that resumes nothing costs nothing more.
        let hold = self.settings.hooks.opens().then(|| endpoint.hold_handlers());
        let beginning = match (socket, is_resuming) {
            (None, _) => Beginning::None,
            (Some(socket), false) => {
                let connection = Box::new(endpoint.connect(*socket));
                Beginning::Begun(Begun { connection, hold, awaits_up: false })
            }
            (Some(socket), true) => {
                Beginning::Accepting(Box::pin(accept(self.clone(), endpoint, *socket, hold)))
            }
        };
        async move {
            let begun = match beginning {
                Beginning::None => None,
                Beginning::Begun(begun) => Some(begun),
                Beginning::Accepting(accepting) => match accepting.await {
                    Some(begun) => Some(begun),
                    // The link is gone, or is one of another connection, which has its own admission.
                    None => return,
                },
            };
            let was_opened = match begun {
                Some(begun) => {
                    let has_seat = Box::pin(admission.take_seat(&shared)).await;
                    if !has_seat {
                        peer.close(
                            CloseCode::TRY_LATER,
                            "there are as many connections as there may be",
                        );
                    }
                    shared.stop_if_late(&peer);
                    let Begun { mut connection, hold, awaits_up } = begun;
                    let opens = has_seat.then_some(hold);
                    let was_opened =
                        Box::pin(shared.open(&mut connection, &peer, opens, awaits_up)).await;
                    shared.carry(connection, &peer).await;
                    was_opened
                }
                None => !shared.settings.hooks.opens(),
            };
            shared.settle(peer, was_opened).await;
            // Dropping the admission lets the server end, and lets another connection have the permit.
            drop(admission);
        }
    }

    /// Runs `on_open` while the connection works, unless there is no hook. Returns whether `on_disconnect` is to run.
    async fn open(
        &self,
        connection: &mut Connection,
        peer: &Peer,
        opens: Option<Option<HandlerHold>>,
        awaits_up: bool,
    ) -> bool {
        let Some(hold) = opens else { return false };
        let Some(hold) = hold else { return true };
        if awaits_up {
            loop {
                match connection.next_event().await {
                    ConnectionEvent::Up { .. } => break,
                    ConnectionEvent::Closed(_) => return false,
                    _ => {}
                }
            }
        }
        let opening = self.settings.hooks.open(peer.clone(), self.limits().handshake);
        pin!(opening);
        loop {
            tokio::select! {
                biased;
                () = &mut opening => break,
                event = connection.next_event() => match event {
                    ConnectionEvent::Closed(_) => break,
                    event => self.tell_link(peer, &event),
                },
            }
        }
        drop(hold);
        true
    }

    /// Carries the connection to its end.
    fn carry(
        self: &Arc<Self>,
        mut connection: Box<Connection>,
        peer: &Peer,
    ) -> impl Future<Output = ()> + Send + use<> {
        let listener = self.settings.hooks.hears_links().then(|| (self.clone(), peer.clone()));
        async move {
            let Some((shared, peer)) = listener else {
                (&mut *connection).await;
                return;
            };
            loop {
                match connection.next_event().await {
                    ConnectionEvent::Closed(_) => return,
                    event => shared.tell_link(&peer, &event),
                }
            }
        }
    }

    fn tell_link(&self, peer: &Peer, event: &ConnectionEvent) {
        let link = match event {
            ConnectionEvent::Up { resumed: true, .. } => Link::Up,
            ConnectionEvent::Lost { .. } => peer.link(),
            _ => return,
        };
        self.settings.hooks.tell_link(peer.clone(), link);
    }
}

/// How a connection begins.
enum Beginning<F> {
    None,
    Begun(Begun),
    Accepting(F),
}

/// Waits for the first message of a link. Returns `None` if the message resumes the session of another connection, or
/// if the server stops before: a handshake in progress is aborted, and this is its last part.
async fn accept<S: Socket>(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    socket: WebSocket<S>,
    hold: Option<HandlerHold>,
) -> Option<Begun> {
    let is_same = |session: &Peer, link: &Peer| shared.may_resume(session, link);
    let mut member = shared.lifecycle.join();
    let accepted = tokio::select! {
        biased;
        accepted = endpoint.accept(socket, is_same) => accepted,
        () = member.stopped() => return None,
    };
    match accepted {
        Accepted::Fresh(connection) => {
            Some(Begun { awaits_up: connection.is_refused(), connection, hold })
        }
        Accepted::Resumed(_) => None,
    }
}
