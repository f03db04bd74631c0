//! The sessions of a client: begun, opened by the program's hook, and ended.

use std::error::Error;
use std::sync::Arc;

use rpc_core::transport::SessionEnd;
use rpc_core::types::ClosedBy;
use rpc_core::{CloseCode, CloseReason, Peer};
use tokio::sync::oneshot;

use super::{First, Link, Next, Supervisor};
use crate::error::ConnectError;
use crate::reconnect::hooks::{OnSession, Opening};
use crate::reconnect::setback::Setback;
use crate::reconnect::state::State;

/// The session that is to be opened, and who waits for it.
pub(super) struct Sessions {
    hook: Option<OnSession>,
    /// The hook while it runs.
    opening: Option<Opening>,
    /// Who waits for the first session.
    first: Option<oneshot::Sender<First>>,
    waits_for_first: bool,
    /// Who waits for another session.
    renewals: Vec<oneshot::Sender<()>>,
    told: Told,
    is_ending: bool,
    /// What was lost with the sessions that have ended since the program was last told: calls, notifications, gaps.
    losses: [u64; 3],
}

/// What the program was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing: the client has never been up.
    Nothing,
    /// That the client is up, in the present session.
    Up,
    /// That the client has lost its link. It goes on with the same session.
    Away,
    /// As before, and a fresh session has begun since.
    AwayFresh,
}

impl Sessions {
    pub(super) fn new(
        hook: Option<OnSession>,
        first: oneshot::Sender<First>,
        waits_for_first: bool,
    ) -> Self {
        Self {
            hook,
            opening: None,
            first: Some(first),
            waits_for_first,
            renewals: Vec::new(),
            told: Told::Nothing,
            is_ending: false,
            losses: [0; 3],
        }
    }

    pub(super) fn opening(&mut self) -> Option<&mut Opening> {
        self.opening.as_mut()
    }

    pub(super) fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// Returns whether the client ends.
    pub(super) fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Returns whether the client goes on after a setback.
    pub(super) fn may_wait(&self) -> bool {
        self.first.is_none() || self.waits_for_first
    }

    pub(super) fn has_been_up(&self) -> bool {
        self.told != Told::Nothing
    }

    /// Returns whether the client was up until now. It is not any more.
    pub(super) fn was_up_at_last(&mut self) -> bool {
        let was_up = self.told == Told::Up;
        if was_up {
            self.told = Told::Away;
        }
        was_up
    }

    /// A fresh session begins: the hook opens it.
    pub(super) fn begin(&mut self, peer: &Peer) {
        self.opening = self.hook.as_ref().map(|hook| hook.open(peer.clone()));
        if self.told != Told::Nothing {
            self.told = Told::AwayFresh;
        }
    }

    /// The client ends, and no session begins any more.
    pub(super) fn end(&mut self) {
        (self.is_ending, self.opening) = (true, None);
    }

    /// Tells who waits for the first session that there is none.
    pub(super) fn fail(&mut self, error: ConnectError) {
        if let Some(first) = self.first.take() {
            // Who waited may be gone.
            let _ = first.send(Err(error));
        }
    }
}

impl Supervisor {
    /// Tells the program that the client is up, if it has a link and its session is open.
    pub(super) fn is_up(&mut self) {
        if self.link != Link::Up || self.sessions.is_opening() || self.sessions.is_ending {
            return;
        }
        let carrier = self.carrier;
        let state = match self.sessions.told {
            Told::Nothing => State::Up { resumed: false, carrier },
            Told::Up | Told::Away => State::Up { resumed: true, carrier },
            Told::AwayFresh => {
                let [lost_calls, lost_notifications, gaps] = self.sessions.losses;
                State::Fresh { lost_calls, lost_notifications, gaps, carrier }
            }
        };
        (self.sessions.told, self.sessions.losses) = (Told::Up, [0; 3]);
        self.trouble.error = None;
        self.reporter.tell(state);
        if let Some(first) = self.sessions.first.take() {
            // Who waited may be gone.
            let _ = first.send(Ok(self.subprotocol.take()));
        }
        self.sessions.renewals.drain(..).for_each(|renewed| _ = renewed.send(()));
    }

    /// The hook has opened the session.
    pub(super) fn has_opened(&mut self) {
        self.sessions.opening = None;
        self.connection.open_session();
        self.is_up();
    }

    /// The hook has failed, so the session ends.
    pub(super) fn has_not_opened(&mut self, error: Arc<dyn Error + Send + Sync>) {
        let setback = Setback::Setup(error);
        tracing::warn!(error = setback.to_string(), "`on_session` failed");
        self.leave("the session could not begin");
        match std::mem::replace(&mut self.link, Link::None) {
            // The next attempt is planned already.
            Link::None => self.trouble.error = Some(setback),
            Link::AwaitsHello | Link::Up => {
                self.set_back(setback);
            }
        }
    }

    /// Ends the session, and begins another one over another link at once.
    pub(super) fn new_session(&mut self, reply: oneshot::Sender<()>) {
        if self.sessions.is_ending {
            return;
        }
        self.sessions.renewals.push(reply);
        let reason = "the program begins another session";
        self.leave(reason);
        let had_link = std::mem::replace(&mut self.link, Link::None) != Link::None;
        if had_link {
            self.backoff.renewed(self.now());
            self.has_trouble();
            let reason = CloseReason::new(ClosedBy::Us, CloseCode::NORMAL, reason);
            self.trouble.error = Some(Setback::Lost(reason));
        }
        // An attempt with the token of the old session is of no use.
        if !matches!(self.next, Next::UnderWay { announces_resume: false, .. }) {
            self.turns.without_session();
            self.dial();
        }
    }

    /// Ends the session, and closes its link.
    fn leave(&mut self, reason: &str) {
        self.sessions.opening = None;
        let ended = self.connection.renew_session(reason);
        self.has_ended_session(ended);
    }

    /// Counts what was lost with a session. The hook that opened the session ends with it.
    pub(super) fn has_ended_session(&mut self, ended: Option<SessionEnd>) {
        let Some(ended) = ended else { return };
        self.sessions.opening = None;
        let SessionEnd { lost_calls, lost_notifications, gaps, .. } = ended;
        for (sum, lost) in
            self.sessions.losses.iter_mut().zip([lost_calls, lost_notifications, gaps])
        {
            *sum += lost;
        }
    }
}
