//! Granting a session, and taking one that was granted.

use std::time::Duration;

use super::{Accepter, Phase, Role, Session};
use crate::error::close::CloseReason;
use crate::protocol::tables::calls::{Call, MessageState};
use crate::protocol::tables::outbox::{Carried, Queued};
use crate::protocol::tables::receipts::Receipts;
use crate::protocol::{Outcome, Protocol};
use crate::wire::session::{Refusal, SessionParams, SessionSaid, Subject};

/// A hello that asks for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) buffer: usize,
    pub(crate) keep: Option<Duration>,
    /// Whether the hello has a token, which is not good on this link.
    pub(crate) has_token: bool,
}

/// The token with which a client may resume next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NextToken<'a> {
    /// The part that is compared.
    pub(crate) secret: u128,
    /// The whole token.
    pub(crate) text: &'a str,
    /// Over how long clients spread their first attempts to use their tokens.
    pub(crate) spread: Duration,
}

impl Accepter {
    /// Returns whether this is the secret of the present token, or of the one before. The time that this takes does
    /// not tell how much of it is right.
    pub(super) fn is_good(&self, secret: u128) -> bool {
        let is_present = is_same(self.secret, secret);
        let is_before = self.secret_before.is_some_and(|before| is_same(before, secret));
        is_present | is_before
    }
}

/// Compares two secrets in constant time.
fn is_same(one: u128, other: u128) -> bool {
    let difference = std::hint::black_box(one ^ other);
    difference == 0
}

impl<W> Protocol<W> {
    /// Lets clients have sessions.
    pub(crate) fn set_grants_sessions(&mut self) {
        self.grants_sessions = true;
    }

    /// Returns the buffer that this end tells clients: what was read and not acknowledged never fills what may be kept
    /// while a session is away.
    pub(super) fn granted_buffer(&self) -> usize {
        self.limits.queue.min(self.limits.away_bytes)
    }

    /// Returns what a hello asks for, if this end grants sessions.
    pub(in crate::protocol) fn asked_for_session(&self, said: &SessionParams<'_>) -> Option<Asked> {
        let may_be_granted =
            self.grants_sessions && self.session.is_none() && !self.hello.is_said();
        let asked = Asked { buffer: said.buffer(), keep: said.keep(), has_token: said.has_token() };
        may_be_granted.then_some(asked)
    }

    /// Grants the session that a hello asked for: says hello, behind which this end counts. `refusal` is why the
    /// session before is not resumed, if the hello asked for that. If the session `is_held`, no handler starts until
    /// the client has acknowledged the token.
    pub(crate) fn grant(
        &mut self,
        asked: Asked,
        next: NextToken<'_>,
        refusal: Option<Refusal<'_>>,
        is_held: bool,
    ) {
        let keep =
            asked.keep.map_or(self.limits.session_keep, |keep| keep.min(self.limits.session_keep));
        let buffer = self.granted_buffer();
        let subject = refusal.map_or(Subject::Fresh, Subject::Refused);
        let (token, spread) = (next.text, Some(next.spread));
        let said = SessionSaid { subject, token, buffer, keep: Some(keep), spread };
        let (window, batch) = (self.limits.stream_window, self.told_batch());
        let Some(hello) = self.hello.say_with(window, batch, Some(said)) else { return };
        self.outbox.push_front(Queued {
            message: hello,
            calls: Carried::Hello,
            is_put_back: false,
        });
        self.note_hello_in_front();
        let accepter = Accepter {
            secret: next.secret,
            secret_before: None,
            attempt: 0,
            is_confirmed: false,
            is_held,
        };
        let mut session = Session::new(Role::Accepts(accepter), Phase::Granted, self.sent);
        session.receiving = Some(Receipts::new(asked.buffer));
        session.keep = keep;
        session.is_begun = true;
        self.session = Some(Box::new(session));
        for id in self.calls.open_ids() {
            self.leave_outside(id);
        }
        if is_held {
            self.hold_handlers();
        }
        self.end_waiting_for_hello();
    }

    /// A call that was sent before the session began is not part of the session, and has no number there.
    fn leave_outside(&mut self, id: u64) {
        if let Some(call) = self.calls.open_mut(id).filter(|call| call.place.is_sent()) {
            call.place = MessageState::OfLink;
        }
    }

    /// Ends the calls that were sent before the session began, since their link is lost: they will not be sent again.
    pub(in crate::protocol) fn lose_calls_of_link(&mut self) {
        for id in self.calls.open_ids() {
            let is_of_link = |call: &mut Call<_, _>| call.place == MessageState::OfLink;
            if self.calls.open_mut(id).is_some_and(is_of_link) {
                let fate = self.withdraw(id);
                let reason = CloseReason::link("the link was lost on which the call was made");
                self.resolve(id, Outcome::Closed(reason.into(), fate));
            }
        }
    }

    /// Answers a hello that asks for a session without one.
    pub(crate) fn grant_nothing(&mut self) {
        self.greet();
        self.end_waiting_for_hello();
    }

    /// Takes the hello of a server at the beginning of a session: it grants a session, or it does not.
    pub(super) fn granted(&mut self, params: Option<&str>, said: Option<&SessionParams<'_>>) {
        self.hear(params);
        let Some(session) = self.session.as_mut().filter(|session| session.phase == Phase::Asked)
        else {
            return;
        };
        let Some((said, token)) = said.and_then(|said| Some((said, said.token()?))) else {
            self.no_session();
            return;
        };
        session.phase = Phase::Granted;
        session.keep = said.keep().unwrap_or(self.limits.session_keep);
        let mut receiving = Receipts::new(said.buffer());
        receiving.owe();
        session.receiving = Some(receiving);
        session.uncounted = 0;
        if let Some(opener) = session.opener() {
            opener.token = token.into();
            opener.spread = said.spread();
        }
        self.acknowledge_if_due(Duration::ZERO);
    }

    /// The other end grants no session: what was sent is let go when the medium has accepted it.
    pub(in crate::protocol) fn no_session(&mut self) {
        if let Some(session) = self.session.as_mut().filter(|session| session.phase == Phase::Asked)
        {
            session.phase = Phase::None;
        }
    }
}
