//! The session: what outlives a link.
//!
//! A session is two queues of messages, one in each direction, that outlive the link which carries them. The tables of
//! the protocol live on these queues and know nothing of links.
//!
//! ```text
//!  the end that opened the link             the end that accepted the link
//!
//!   None ──hello: asks──▶ Asked              None ──hello asks──▶ Granted, not confirmed
//!   Asked ──hello: token──▶ Granted          Granted ──the first $/ack──▶ confirmed
//!   Asked ──no token──▶ None                 confirmed ──link lost──▶ away
//!   Granted ──link lost──▶ away              away ──resume──▶ confirmed, another link
//!   away ──hello: resumes──▶ Resuming
//!   Resuming ──hello: resumed──▶ Granted
//!   Resuming ──hello: refused──▶ another session, on this link
//! ```

mod acknowledge;
mod end;
mod grant;
mod hold;
mod open;
mod renew;
mod resume;
mod window;

use std::time::Duration;

use super::Protocol;
use crate::error::close::CloseReason;
use crate::protocol::tables::outbox::Queued;
use crate::protocol::tables::receipts::Receipts;
use crate::protocol::tables::replay::{ReplayQueue, Text};
use window::SendWindow;

pub(crate) use end::{EndedSession, Losses};
pub(crate) use grant::{Asked, NextToken};
pub(crate) use open::LinkStart;
pub(crate) use resume::{RefusedResume, Resume};

/// The first time over which attempts to reconnect are spread, if the server names none.
pub(crate) const SPREAD: Duration = Duration::from_millis(250);

impl Text for Queued {
    fn len(&self) -> usize {
        self.message.len()
    }
}

/// The session of a connection that may have one.
pub(crate) struct Session<W> {
    role: Role,
    /// Whether a session has begun and not ended.
    is_begun: bool,
    phase: Phase,
    sending: ReplayQueue<Queued>,
    /// The bound of these messages, which grows on a long link.
    window: SendWindow,
    /// What was taken in; `None` until the other end has begun to count.
    receiving: Option<Receipts>,
    /// How many of the messages that came since the last report do not count.
    uncounted: u64,
    /// Whether an acknowledgement is in the outbox.
    is_acknowledging: bool,
    /// How long the session is kept without a link.
    keep: Duration,
    /// Since when there is no link.
    away: Option<Duration>,
    /// Why the link must be closed, if the other end has broken the rules of sessions.
    fault: Option<CloseReason>,
    /// The session before, if the present one has just taken its place.
    ended: Option<Box<EndedSession<W>>>,
}

/// Which end of its links this end is.
enum Role {
    /// The end that opens the links, and outlives sessions.
    Opens(Opener),
    /// The end that accepts the links.
    Accepts(Accepter),
}

/// The end that opens links.
#[derive(Default)]
struct Opener {
    /// Whether this end asks for sessions.
    asks: bool,
    /// Whether this end says hello on each link, without an exchange of headers.
    greets: bool,
    /// Whether a ping is still to show what the other end knows of sessions, should it say nothing by itself.
    may_ping: bool,
    /// Whether the application opens each session before its messages are sent.
    is_opened_by_application: bool,
    /// The token with which the session is resumed.
    token: Box<str>,
    /// How often a hello has resumed the session.
    attempt: u64,
    /// How long the hello of the server is awaited.
    greeted_until: Option<Duration>,
    /// What the server says of first attempts to reconnect.
    spread: Option<Duration>,
    /// How often the session was resumed without a message having been taken in since, and how far it was then.
    without_progress: (u8, [u64; 2]),
}

/// The end that accepts links.
struct Accepter {
    secret: u128,
    /// The secret before, until the client has acknowledged the present one.
    secret_before: Option<u128>,
    attempt: u64,
    /// Whether the client has acknowledged the first token, so that both ends know of the session.
    is_confirmed: bool,
    /// Whether requests wait for that, because the session took the place of one that was not resumed.
    is_held: bool,
}

/// How far the two ends have agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no session: what is not sent when the link is lost goes on to the next one.
    None,
    /// This end has asked for a session, and counts.
    Asked,
    /// Both ends count.
    Granted,
    /// This end has asked to resume the session, and sends nothing before the answer.
    Resuming,
}

/// The longest time between the loss of a link and the last attempt to resume: beyond that the server has forgotten the
/// session.
fn kept_until<W>(session: &Session<W>, dead_after: Duration) -> Option<Duration> {
    let since = session.away?;
    Some(match session.role {
        Role::Opens(_) => since.saturating_add(session.keep).saturating_add(dead_after),
        Role::Accepts(_) => since.saturating_add(session.keep),
    })
}

/// Returns the earlier of two times.
pub(super) fn earlier(one: Option<Duration>, two: Option<Duration>) -> Option<Duration> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

impl<W> Session<W> {
    fn new(role: Role, phase: Phase, offset: u64) -> Self {
        let sending = ReplayQueue::new(offset);
        Self {
            role,
            is_begun: false,
            phase,
            sending,
            window: SendWindow::default(),
            receiving: None,
            uncounted: 0,
            is_acknowledging: false,
            keep: Duration::ZERO,
            away: None,
            fault: None,
            ended: None,
        }
    }

    fn is_granted(&self) -> bool {
        matches!(self.phase, Phase::Granted | Phase::Resuming)
    }

    /// Takes note of how many messages of the link the medium accepted.
    pub(super) fn on_accepted(&mut self, of_link: u64) {
        self.sending.on_accepted(of_link);
    }

    /// Returns whether the other end certainly has not taken in the message with this number.
    pub(super) fn is_not_taken_in(&self, number: u64) -> bool {
        self.sending.is_not_taken_in(number, None)
    }

    /// Gives back the memory that a busy time left behind.
    pub(super) fn shrink(&mut self) {
        self.sending.shrink();
    }

    fn opener(&mut self) -> Option<&mut Opener> {
        match &mut self.role {
            Role::Opens(opener) => Some(opener),
            Role::Accepts(_) => None,
        }
    }
}

impl<W> Protocol<W> {
    /// Returns whether messages are counted, or kept until the medium has accepted them.
    pub(super) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Returns whether messages are part of a session, if they can be.
    pub(super) fn is_in_session(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.is_begun)
    }

    /// Returns whether this end has granted a session.
    pub(crate) fn has_granted_session(&self) -> bool {
        self.session.as_ref().is_some_and(|session| matches!(session.role, Role::Accepts(_)))
    }

    /// Returns the bytes that are kept for a session without a link, with an overhead for each message.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.outbox.takes()
    }

    /// Returns whether this connection outlives its links, because this end opens them.
    pub(crate) fn outlives_links(&self) -> bool {
        self.session.as_ref().is_some_and(|session| matches!(session.role, Role::Opens(_)))
    }

    /// Returns whether the session goes on without a link: both ends know that they have it.
    pub(crate) fn may_be_resumed(&self) -> bool {
        let is_guest = self.is_guest();
        self.session.as_ref().is_some_and(|session| {
            let is_confirmed = match &session.role {
                Role::Opens(opener) => !opener.token.is_empty(),
                Role::Accepts(accepter) => accepter.is_confirmed && !is_guest,
            };
            session.is_granted() && is_confirmed
        })
    }

    /// The link is lost: the session goes on without one.
    pub(super) fn leave_link(&mut self, accepted: u64, now: Duration) {
        let Some(session) = &mut self.session else { return };
        if session.phase == Phase::Resuming {
            session.phase = Phase::Granted;
        } else {
            session.sending.on_accepted(accepted);
        }
        session.is_acknowledging = false;
        session.away.get_or_insert(now);
        match &mut session.role {
            Role::Opens(opener) => opener.greeted_until = None,
            Role::Accepts(_) => self.lose_calls_of_link(),
        }
    }

    /// Returns since when the session is without a link.
    pub(crate) fn away_since(&self) -> Option<Duration> {
        self.session.as_ref()?.away
    }

    /// Gives the other end more time for its acknowledgement and its hello, which may lie here unread: a machine that
    /// slept for a while has not lost its session.
    pub(super) fn put_off_session(&mut self, late: Duration) {
        let Some(session) = &mut self.session else { return };
        session.sending.put_off(late);
        if let Some(until) = session.opener().and_then(|opener| opener.greeted_until.as_mut()) {
            *until += late;
        }
    }

    /// Returns when something is to be done for the session.
    #[inline(always)] // most connections have no session, and ask several times in a turn
    pub(super) fn session_due(&self) -> Option<Duration> {
        self.due_of(self.session.as_deref()?)
    }

    #[cold]
    fn due_of(&self, session: &Session<W>) -> Option<Duration> {
        if session.phase == Phase::Granted && self.is_attached {
            let receiving = session.receiving.as_ref().filter(|_| !session.is_acknowledging);
            let told = receiving.and_then(|receiving| receiving.due(self.limits.ack_after));
            let within = session.sending.marked_since().map(|since| since + self.limits.ack_within);
            return earlier(told, within);
        }
        let greeted = match &session.role {
            Role::Opens(opener) => opener.greeted_until,
            Role::Accepts(_) => None,
        };
        earlier(greeted, kept_until(session, self.limits.dead_after))
    }
}
