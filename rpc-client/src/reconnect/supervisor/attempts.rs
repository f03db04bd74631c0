//! Attempts to connect: when they begin, what becomes of them, and what follows from a setback.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use rpc_core::internal::runtime::Instant;
use rpc_core::types::ClosedBy;
use rpc_core::{CloseCode, CloseReason};

use super::{Link, Next, Supervisor};
use crate::error::ConnectError;
use crate::fallback::Fallback;
use crate::reconnect::dialer::Dialled;
use crate::reconnect::setback::Setback;
use crate::reconnect::state::State;

/// An attempt that is younger than this goes on when the program wants one now.
const YOUNG: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Begins an attempt. One that is under way is dropped before.
    pub(super) fn dial(&mut self) {
        let fallback = self.detour.fallback(self.now());
        self.dial_with(fallback);
    }

    /// Begins an attempt that connects in this way.
    pub(super) fn dial_with(&mut self, fallback: Fallback) {
        self.next = Next::Nothing;
        if self.turns.is_first() {
            self.backoff.begin();
        }
        let announces_resume = self.plan.with_token && self.connection.wants_to_resume();
        let refused = self.refused.as_ref().filter(|_| self.plan.other_credential);
        let refused = refused.map(|(credential, _)| credential.clone());
        let server = self.turns.current();
        let dialling = self.dialer.dial(server, fallback, announces_resume, refused);
        self.next = Next::UnderWay { dialling, announces_resume, since: Instant::now() };
        self.tell_trouble();
    }

    pub(super) fn has_dialled(&mut self, dialled: Dialled) {
        let next = std::mem::replace(&mut self.next, Next::Nothing);
        let announced = matches!(next, Next::UnderWay { announces_resume: true, .. });
        match dialled {
            Dialled::Connected(socket) => self.attach(socket, announced),
            // The attempt was one beside a link that works.
            _ if self.link != Link::None => self.has_looked_in_vain(),
            Dialled::Failed { error, credential } => self.has_failed(error, credential),
            Dialled::SameCredential => {
                if let Some((_, refusal)) = self.refused.take() {
                    self.end(Setback::Failed(Arc::new(refusal)));
                }
            }
        }
    }

    /// An attempt has failed: before its link was there, or while the link was being opened.
    pub(super) fn has_failed(&mut self, error: ConnectError, credential: Option<HeaderValue>) {
        if let Some(refusal) = error.unauthorized() {
            self.refused = credential.map(|credential| (credential, refusal));
        }
        self.set_back(Setback::Failed(Arc::new(error)));
    }

    /// Begins an attempt to connect to the next server after a setback; or plans the next round of attempts, if all
    /// servers have had their turn; or ends the client.
    pub(super) fn set_back(&mut self, setback: Setback) {
        self.has_trouble();
        let setback = match setback {
            Setback::Failed(_) | Setback::NoHello(_) => {
                let Some(outcome) = self.turns.failed(setback) else { return self.try_next() };
                outcome
            }
            Setback::Lost(_) | Setback::Setup(_) => {
                self.turns.lost();
                setback
            }
        };
        let plan = self.backoff.after(&setback, self.now(), random());
        let Some(plan) = plan.filter(|_| self.sessions.may_wait()) else {
            self.end(setback);
            return;
        };
        self.plan = plan;
        self.trouble.error = Some(setback);
        // An attempt that has begun while the link still worked goes on.
        if matches!(self.next, Next::Nothing) {
            if !(plan.with_token && self.connection.wants_to_resume()) {
                self.turns.without_session();
            }
            self.next = Next::Waiting;
        }
        self.tell_trouble();
    }

    /// Connects to the server whose turn it is now. Of what the others said the program hears when the round is over.
    fn try_next(&mut self) {
        if self.sessions.has_been_up() {
            let lost = || CloseReason::new(ClosedBy::Link, None, "its server does not answer");
            self.trouble.error.get_or_insert_with(|| Setback::Lost(lost()));
        }
        self.dial();
    }

    /// Begins the next attempt at once, if there is one to come. With a link that works the client makes another link
    /// only if the session can go on over it.
    pub(super) fn reconnect_now(&mut self) {
        let may_begin = match &self.next {
            Next::Waiting => true,
            Next::UnderWay { since, .. } => since.elapsed() >= YOUNG,
            Next::Nothing => self.link == Link::Up && self.connection.wants_to_resume(),
        };
        if may_begin && !self.sessions.is_ending() {
            self.detour.forget();
            self.dial();
        }
    }

    /// The client was without a link for too long.
    pub(super) fn give_up(&mut self) {
        let after = self.give_up_after.unwrap_or_default();
        let error = self.trouble.error.clone();
        let error = ConnectError::GaveUp { after, error };
        self.finish(&error.to_string());
        self.sessions.fail(error);
    }

    /// Ends the client: there is no attempt after this setback.
    pub(super) fn end(&mut self, setback: Setback) {
        self.finish(&format!("gave up: {setback}"));
        self.sessions.fail(setback.into_error());
    }

    fn finish(&mut self, reason: &str) {
        self.next = Next::Nothing;
        self.sessions.end();
        self.peer.close(CloseCode::NORMAL, reason);
    }

    /// Tells the program the state of a client without a link.
    pub(super) fn tell_trouble(&self) {
        if self.sessions.is_ending() || (self.link == Link::Up && !self.sessions.is_opening()) {
            return;
        }
        let next = matches!(self.next, Next::Waiting).then(|| self.start + self.plan.at);
        let attempt = self.trouble.attempt;
        let state = match (&self.trouble.error, self.sessions.has_been_up()) {
            (Some(error), true) => {
                State::Away { since: self.trouble.since, attempt, next, error: error.clone() }
            }
            (error, _) => State::Connecting { attempt, next, error: error.clone() },
        };
        self.reporter.tell(state);
    }
}

/// Returns a random number. Nobody may predict when a client comes back, and nothing worse follows if somebody can.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
