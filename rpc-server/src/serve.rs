//! A link from the end of its handshake to `on_disconnect`: a connection, or another link of one.

use std::sync::Arc;

use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, HandlerHold, Transport,
};
use rpc_core::{CloseCode, Link, Peer};
use tokio::pin;

use crate::admission::Admission;
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
    /// Whether the link ended before its first message, so that it was nobody's peer.
    is_over: bool,
}

/// A connection whose `on_open` has run.
struct Opened {
    /// `None` if the client did not wait for the upgrade.
    connection: Option<Box<Connection>>,
    /// Whether `on_disconnect` is to run.
    was_opened: bool,
    admission: Admission,
}

impl Shared {
    /// Carries a link until its end. `transport` is `None` if the client did not wait for the upgrade. Each phase is
    /// in a box of its own, which is freed before the next phase.
    pub(crate) fn serve<T: Transport>(
        self: &Arc<Self>,
        admitted: Admitted,
        transport: Option<Box<T>>,
        admission: Admission,
    ) -> impl Future<Output = ()> + Send + use<T> {
        let (shared, peer) = (self.clone(), admitted.endpoint.peer());
        // Made outside of the `async` block, since the block keeps what it is made of until its end.
        let beginning = Box::pin(begin(self.clone(), admitted, transport, admission));
        async move {
            let Some(mut opened) = beginning.await else { return };
            if let Some(connection) = &mut opened.connection {
                if shared.settings.hooks.hears_links() {
                    Box::pin(shared.carry_and_tell(connection, &peer)).await;
                } else {
                    (&mut **connection).await;
                }
            }
            opened.connection = None;
            shared.settle(peer, opened.was_opened).await;
            // Dropping the admission lets the server end, and lets another connection have the permit.
            drop(opened.admission);
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

    /// Carries the connection to its end, and tells `on_link`.
    async fn carry_and_tell(&self, connection: &mut Connection, peer: &Peer) {
        loop {
            match connection.next_event().await {
                ConnectionEvent::Closed(_) => return,
                event => self.tell_link(peer, &event),
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

/// Begins a connection, and opens it. Returns `None` if the link is gone, or is one of another connection, which has its
/// own admission.
async fn begin<T: Transport>(
    shared: Arc<Shared>,
    Admitted { endpoint, is_resuming }: Admitted,
    transport: Option<Box<T>>,
    mut admission: Admission,
) -> Option<Opened> {
    let opens = shared.settings.hooks.opens();
    let Some(transport) = transport else {
        return Some(Opened { connection: None, was_opened: !opens, admission });
    };
    let peer = endpoint.peer();
    let hold = opens.then(|| endpoint.hold_handlers());
    let Begun { mut connection, hold, awaits_up, is_over } = if is_resuming {
        Box::pin(accept(shared.clone(), endpoint, *transport, hold)).await?
    } else {
        let connection = Box::new(endpoint.connect(*transport));
        Begun { connection, hold, awaits_up: false, is_over: false }
    };
    if is_over {
        return Some(Opened { connection: Some(connection), was_opened: false, admission });
    }
    let has_seat = admission.take_seat(&shared).await;
    if !has_seat {
        peer.close(CloseCode::TRY_LATER, "there are as many connections as there may be");
    }
    shared.stop_if_late(&peer);
    let opens = has_seat.then_some(hold);
    let was_opened = Box::pin(shared.open(&mut connection, &peer, opens, awaits_up)).await;
    Some(Opened { connection: Some(connection), was_opened, admission })
}

/// Waits for the first message of a link. Returns `None` if the message resumes the session of another connection, or
/// if the server stops before: a handshake in progress is aborted, and this is its last part.
async fn accept<T: Transport>(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    transport: T,
    hold: Option<HandlerHold>,
) -> Option<Begun> {
    let is_same = |session: &Peer, link: &Peer| shared.may_resume(session, link);
    let mut member = shared.lifecycle.join();
    let accepted = tokio::select! {
        biased;
        accepted = endpoint.accept(transport, is_same) => accepted,
        () = member.stopped() => return None,
    };
    match accepted {
        Accepted::Fresh(connection) => {
            let (awaits_up, is_over) = (connection.is_refused(), connection.is_ending());
            Some(Begun { connection, hold, awaits_up, is_over })
        }
        Accepted::Resumed(_) => None,
    }
}
