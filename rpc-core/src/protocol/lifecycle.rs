//! The life of the connection: whether the other end has logged in, until when the login holds, and
//! whether
//! either end is about to go.

use std::time::Duration;

use super::{Event, Protocol};
use crate::error::close::{CloseCode, CloseReason};
use crate::error::object::ErrorObject;
use crate::limits::Limits;
use crate::protocol::tables::outbox::Carried;
use crate::util::sync::Arc;
use crate::wire::encode;
use crate::wire::goaway::GoAway;
use crate::wire::hello::Greetings;

/// How long a session stays on a link before it is asked again to move.
const MOVES: Duration = Duration::from_secs(10);

/// The login of the other end, and the going away of either end. Most connections have neither, so it is
/// in a box.
#[derive(Default)]
pub(super) struct Lifecycle {
    guest: Option<Unauthenticated>,
    /// Whether this end drains: it is about to close, and takes no new requests.
    draining: bool,
    /// What the application has said of the end of the other end's login.
    expires: Option<Expiry<Duration>>,
    /// The `$/goaway` of the other end.
    going_away: Option<GoAway>,
    /// When either end was last asked to move the session to another link.
    moved: Option<Duration>,
}

/// When a login ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry<T> {
    Never,
    At(T),
}

impl<T> Expiry<T> {
    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Expiry<U> {
        match self {
            Self::Never => Expiry::Never,
            Self::At(time) => Expiry::At(convert(time)),
        }
    }
}

/// An end that is connected and has not logged in.
pub(crate) struct Unauthenticated {
    /// The numbers of the methods that the end may call.
    pub(crate) methods: Vec<usize>,
    /// When the end must have logged in.
    pub(crate) until: Duration,
    /// How often the end has called any of them.
    pub(crate) attempts: usize,
    /// The most members of a batch that the end may send when it has logged in.
    pub(crate) batch: usize,
    /// A guard, for example a semaphore permit, dropped at login or disconnect.
    pub(crate) _place: Box<dyn Send + Sync>,
}

impl<W> Protocol<W> {
    /// Requires the other end to log in. Until then it may call few methods, under these `limits`.
    pub(crate) fn require_login(&mut self, guest: Unauthenticated, limits: Arc<Limits>) {
        self.lifecycle.get_or_insert_default().guest = Some(guest);
        self.restricted = true;
        self.limit(limits);
    }

    /// Notes that the other end has logged in; `limits` hold from now on. Returns what is to be dropped
    /// without the lock; `None` if no login was required.
    pub(crate) fn log_in(&mut self, limits: Arc<Limits>) -> Option<Unauthenticated> {
        let lifecycle = self.lifecycle.as_mut()?;
        let guest = lifecycle.guest.take()?;
        self.restricted = lifecycle.draining;
        self.limit(limits);
        Some(guest)
    }

    /// Ends the wait for a login. Returns what is to be dropped without the lock.
    pub(crate) fn drop_login(&mut self) -> Option<Unauthenticated> {
        self.lifecycle.as_mut()?.guest.take()
    }

    fn limit(&mut self, limits: Arc<Limits>) {
        self.limits = limits;
        self.outbox.set_limit(self.queue_limit());
    }

    /// Returns the limits that hold at the moment.
    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// Returns the most members of a batch that this end tells the other. It is the number that holds
    /// after the login: the other end must not keep its batches short for ever.
    pub(super) fn told_batch(&self) -> usize {
        let guest = self.lifecycle.as_ref().and_then(|lifecycle| lifecycle.guest.as_ref());
        guest.map_or(self.limits.batch, |guest| guest.batch)
    }

    pub(crate) fn is_guest(&self) -> bool {
        self.lifecycle.as_ref().is_some_and(|lifecycle| lifecycle.guest.is_some())
    }

    /// Sets until when the login holds.
    pub(crate) fn set_expiry(&mut self, expires: Expiry<Duration>) {
        self.lifecycle.get_or_insert_default().expires = Some(expires);
    }

    /// Gives the other end more time for its login.
    pub(super) fn put_off_login(&mut self, late: Duration) {
        if let Some(guest) = self.lifecycle.as_mut().and_then(|lifecycle| lifecycle.guest.as_mut())
        {
            guest.until = guest.until.saturating_add(late);
        }
    }

    /// Returns when the login of the other end ends, if it ends.
    pub(crate) fn login_expires(&self) -> Option<Duration> {
        match self.expiry()? {
            Expiry::Never => None,
            Expiry::At(end) => Some(end),
        }
    }

    /// Returns what the application has said of the end of the login, if anything.
    pub(crate) fn expiry(&self) -> Option<Expiry<Duration>> {
        self.lifecycle.as_ref()?.expires
    }

    /// Returns when the connection must be closed: the time for the login is over, or the login ends.
    pub(super) fn lifecycle_ends(&self) -> Option<Duration> {
        let lifecycle = self.lifecycle.as_ref()?;
        let until = lifecycle.guest.as_ref().map(|guest| guest.until);
        // Without a link nothing is delivered, and the next link may bring a later end.
        let expires = self.login_expires().filter(|_| self.is_attached);
        [until, expires].into_iter().flatten().min()
    }

    /// Returns whether the login has ended, and the next link does not bring a later end.
    pub(super) fn stays_expired(&self, renewed: Option<Expiry<Duration>>, now: Duration) -> bool {
        let is_past = |end| matches!(end, Some(Expiry::At(end)) if end <= now);
        is_past(self.expiry()) && (renewed.is_none() || is_past(renewed))
    }

    /// Returns why the connection must be closed, if the login has ended or did not come in time. A login
    /// may have come and not be read yet, unless the time `is_over`.
    pub(super) fn expired(&self, now: Duration, is_over: bool) -> Option<CloseReason> {
        let reason = if self.has_tried_enough() {
            "too many attempts to log in"
        } else if self.lifecycle_ends().is_none_or(|ends| now < ends) {
            return None;
        } else if self.is_guest() {
            if !is_over {
                return None;
            }
            "not logged in in time"
        } else {
            "the login has expired"
        };
        Some(CloseReason::us(CloseCode::NOT_AUTHENTICATED, reason))
    }

    /// Returns whether the other end has tried to log in as often as it may, and no attempt still runs.
    /// The answers do not matter: some methods answer `false` to a wrong password, some answer an error,
    /// and a notification gets no answer.
    fn has_tried_enough(&self) -> bool {
        let guest = self.lifecycle.as_ref().and_then(|lifecycle| lifecycle.guest.as_ref());
        guest.is_some_and(|guest| guest.attempts >= self.limits.login_attempts)
            && self.serving.requests() == 0
            && self.notifications.is_free()
    }

    /// Returns why a restricted end must not call this method now. A call that is allowed counts as one
    /// attempt to log in.
    #[cold]
    pub(super) fn restriction(&mut self, method: usize) -> Option<ErrorObject> {
        let lifecycle = self.lifecycle.as_mut()?;
        if lifecycle.draining {
            return Some(ErrorObject::shutting_down());
        }
        let guest = lifecycle.guest.as_mut()?;
        if !guest.methods.contains(&method) || guest.attempts >= self.limits.login_attempts {
            return Some(ErrorObject::not_authorized());
        }
        guest.attempts += 1;
        None
    }

    /// Returns whether the other end must log in before it may call this method.
    #[cfg(feature = "schema")]
    pub(crate) fn is_closed_to_guest(&self, method: usize) -> bool {
        let guest = self.lifecycle.as_ref().and_then(|lifecycle| lifecycle.guest.as_ref());
        guest.is_some_and(|guest| !guest.methods.contains(&method))
    }

    /// Starts to drain: new requests are refused, and what runs goes on. The other end is told, if it
    /// understands that.
    pub(crate) fn drain(&mut self, news: &GoAway) {
        self.lifecycle.get_or_insert_default().draining = true;
        self.restricted = true;
        if self.is_known() && self.ended.is_none() {
            self.outbox.push(encode::go_away(news), Carried::None);
        }
    }

    /// Takes a `$/goaway`: the other end is about to close, or asks for another link.
    pub(super) fn told_to_go<'a>(&mut self, params: Option<&str>, now: Duration) -> Event<'a> {
        if GoAway::asks_to_move(params) {
            // An end that cannot make another link for its session goes on as before.
            let moves = self.wants_to_resume() && self.may_move(now);
            return if moves { Event::AskedToMove } else { Event::Done };
        }
        match GoAway::read(params) {
            Some(news) => self.lifecycle.get_or_insert_default().going_away = Some(news),
            None => self.malformed(),
        }
        Event::Done
    }

    /// Asks the other end to make another link for the session. Returns whether the other end is asked: the session can
    /// be resumed, and the other end was not asked in the last ten seconds.
    pub(crate) fn ask_to_move(&mut self, now: Duration) -> bool {
        if !self.has_granted_session() || !self.may_be_resumed() || !self.is_attached {
            return false;
        }
        let moves = self.may_move(now);
        if moves {
            self.outbox.push(encode::move_to_another_link(), Carried::None);
        }
        moves
    }

    /// Returns whether the session may move to another link now: at most once in ten seconds, whoever asks.
    fn may_move(&mut self, now: Duration) -> bool {
        let moved = &mut self.lifecycle.get_or_insert_default().moved;
        let may_move = moved.is_none_or(|moved| now >= moved + MOVES);
        if may_move {
            *moved = Some(now);
        }
        may_move
    }

    /// Takes what the other end said when it was about to close: it has closed, and the next link is another one.
    pub(super) fn take_going_away(&mut self) -> Option<GoAway> {
        self.lifecycle.as_mut()?.going_away.take()
    }

    /// What the other end said when it was about to close.
    pub(crate) fn going_away(&self) -> Option<&GoAway> {
        self.lifecycle.as_ref()?.going_away.as_ref()
    }

    /// Makes this end only answer: the other end cannot take anything else.
    pub(crate) fn set_answers_only(&mut self) {
        self.answers_only = true;
        self.hello = Greetings::plain();
    }

    /// Returns whether this end only answers.
    pub(crate) fn answers_only(&self) -> bool {
        self.answers_only
    }

    /// Returns why no call of this end can be sent, if none can.
    pub(super) fn unreachable(&self) -> Option<CloseReason> {
        if self.answers_only && self.ended.is_none() {
            let reason = "the other end asks by single messages and cannot be called";
            return Some(CloseReason::link(reason));
        }
        self.ended.clone()
    }
}
