//! What this end thinks of the other: whether it has logged in, until when that holds, and whether it
//! is about to go.

use std::time::Duration;

use super::Protocol;
use crate::error::close::{CloseCode, CloseReason};
use crate::error::object::ErrorObject;
use crate::limits::Limits;
use crate::protocol::tables::outbox::Carried;
use crate::util::sync::Arc;
use crate::wire::encode;
use crate::wire::goaway::GoAway;
use crate::wire::hello::Greetings;

/// What is special about the other end, and what this one means to do with it; most connections have none
/// of it, so it is in a box.
#[derive(Default)]
pub(super) struct Lifecycle {
    guest: Option<Unauthenticated>,
    /// Whether this end is about to close, and takes nothing new.
    draining: bool,
    /// When its login ends.
    expires: Option<Duration>,
    /// What it said when it was about to close.
    going_away: Option<GoAway>,
}

/// One who is connected, but has not logged in.
pub(crate) struct Unauthenticated {
    /// The numbers of the methods that it may call.
    pub(crate) methods: Vec<usize>,
    /// When it must have logged in.
    pub(crate) until: Duration,
    /// How often it has called any of them.
    pub(crate) attempts: usize,
    /// The most members of a batch that is taken from it when it has logged in.
    pub(crate) batch: usize,
    /// What it has of something that there is little of, dropped with its login.
    pub(crate) _place: Box<dyn Send + Sync>,
}

impl<W> Protocol<W> {
    /// From now on the other end may do little until it has logged in.
    pub(crate) fn require_login(&mut self, guest: Unauthenticated, limits: Arc<Limits>) {
        self.lifecycle.get_or_insert_default().guest = Some(guest);
        self.restricted = true;
        self.limit(limits);
    }

    /// The guest has logged in; `None` if it is none. What it had is to be dropped without the lock.
    pub(crate) fn log_in(&mut self, limits: Arc<Limits>) -> Option<Unauthenticated> {
        let lifecycle = self.lifecycle.as_mut()?;
        let guest = lifecycle.guest.take()?;
        self.restricted = lifecycle.draining;
        self.limit(limits);
        Some(guest)
    }

    /// The guest is gone; what it had is to be dropped without the lock.
    pub(crate) fn forget_guest(&mut self) -> Option<Unauthenticated> {
        self.lifecycle.as_mut()?.guest.take()
    }

    fn limit(&mut self, limits: Arc<Limits>) {
        self.outbox.set_limit(limits.queue);
        self.limits = limits;
    }

    /// The limits that hold at the moment.
    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// The most members of a batch that this end tells the other: what holds for as long as it is a guest is not to
    /// make its batches short for ever.
    pub(super) fn told_batch(&self) -> usize {
        let guest = self.lifecycle.as_ref().and_then(|lifecycle| lifecycle.guest.as_ref());
        guest.map_or(self.limits.batch, |guest| guest.batch)
    }

    pub(crate) fn is_guest(&self) -> bool {
        self.lifecycle.as_ref().is_some_and(|lifecycle| lifecycle.guest.is_some())
    }

    /// Says until when the login holds; `None` is for ever.
    pub(crate) fn set_expiry(&mut self, expires: Option<Duration>) {
        self.lifecycle.get_or_insert_default().expires = expires;
    }

    /// A guest has so much more time for its login.
    pub(super) fn put_off_login(&mut self, late: Duration) {
        if let Some(guest) = self.lifecycle.as_mut().and_then(|lifecycle| lifecycle.guest.as_mut())
        {
            guest.until = guest.until.saturating_add(late);
        }
    }

    /// When the login of the other end ends, if that was said.
    pub(crate) fn login_expires(&self) -> Option<Duration> {
        self.lifecycle.as_ref()?.expires
    }

    /// When the standing of the other end runs out.
    pub(super) fn standing_ends(&self) -> Option<Duration> {
        let lifecycle = self.lifecycle.as_ref()?;
        let until = lifecycle.guest.as_ref().map(|guest| guest.until);
        [until, lifecycle.expires].into_iter().flatten().min()
    }

    /// Why the connection must be closed, if the other end's standing has run out. The login of a guest may lie there
    /// unread, unless its time `is_over`.
    pub(super) fn expired(&self, now: Duration, is_over: bool) -> Option<CloseReason> {
        let reason = if self.has_tried_enough() {
            "too many attempts to log in"
        } else if self.standing_ends().is_none_or(|ends| now < ends) {
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

    /// Whether a guest has tried to log in as often as it may, and nothing of that can log it in any more.
    /// What its methods say to that does not matter: some answer `false` to a wrong password, some with an
    /// error, and a notification gets no answer at all.
    fn has_tried_enough(&self) -> bool {
        let guest = self.lifecycle.as_ref().and_then(|lifecycle| lifecycle.guest.as_ref());
        guest.is_some_and(|guest| guest.attempts >= self.limits.login_attempts)
            && self.serving.requests() == 0
            && self.notifications.is_free()
    }

    /// Why a method must not be called now, of an end that is restricted; of a guest one attempt more.
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

    /// From now on new requests are busy; what runs goes on. The other end is told if it knows what that
    /// means.
    pub(crate) fn drain(&mut self, news: &GoAway) {
        self.lifecycle.get_or_insert_default().draining = true;
        self.restricted = true;
        if self.is_known() && self.ended.is_none() {
            self.outbox.push(encode::go_away(news), Carried::None);
        }
    }

    /// The other end is about to close.
    pub(super) fn told_to_go(&mut self, params: Option<&str>) {
        match GoAway::read(params) {
            Some(news) => self.lifecycle.get_or_insert_default().going_away = Some(news),
            None => self.malformed(),
        }
    }

    /// What the other end said when it was about to close.
    pub(crate) fn going_away(&self) -> Option<&GoAway> {
        self.lifecycle.as_ref()?.going_away.as_ref()
    }

    /// From now on this end only answers: the other one cannot take anything else.
    pub(crate) fn answer_only(&mut self) {
        self.answers_only = true;
        self.hello = Greetings::plain();
    }

    /// Whether this end only answers.
    pub(crate) fn answers_only(&self) -> bool {
        self.answers_only
    }

    /// Why nothing of ours can be sent, if that is so.
    pub(super) fn unreachable(&self) -> Option<CloseReason> {
        if self.answers_only && self.ended.is_none() {
            let reason = "the other end asks by single messages and cannot be called";
            return Some(CloseReason::link(reason));
        }
        self.ended.clone()
    }
}
