//! Deadlines, and the end of the connection.

use std::collections::VecDeque;
use std::time::Duration;

use super::session::earlier;
use super::{Outcome, Protocol};
use crate::error::call::Fate;
use crate::error::close::{CloseCode, CloseReason};
use crate::error::object::ErrorObject;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::outbox::OVERHEAD;

impl<W> Protocol<W> {
    /// Returns the earliest deadline of the connection, as a time since its start.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let slow = self.limits.slow_reader;
        let deadlines = [
            self.calls.next_deadline(),
            self.serving.next_deadline(),
            self.above_since.map(|since| since + slow),
            self.paused_since.map(|since| since + slow),
            self.stall_ends(),
            self.held_until(),
            self.lifecycle_ends(),
        ];
        earlier(deadlines.into_iter().flatten().min(), self.session_due())
    }

    /// Times out calls and requests that have not started and whose deadlines have passed. No message that waits to be
    /// read can resolve them.
    pub(crate) fn expire_unbegun(&mut self, now: Duration) {
        for key in self.serving.expired_unstarted(now) {
            self.stop(key, &ErrorObject::deadline());
        }
        for id in self.calls.expired_unsent(now) {
            let fate = self.withdraw(id);
            self.resolve(id, self.timed_out(id, fate));
        }
    }

    /// Times out all calls and requests whose deadlines have passed. Returns the keys of the handlers to drop.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<Key> {
        let stopped = self.serving.expired(now);
        for key in &stopped {
            self.stop(*key, &ErrorObject::deadline());
        }
        for id in self.calls.expired(now) {
            let fate = self.withdraw(id);
            self.resolve(id, self.timed_out(id, fate));
        }
        self.relieve(now);
        self.acknowledge_if_due(now);
        if self.held_until().is_some_and(|ends| now >= ends) {
            self.end_waiting_for_hello();
        }
        self.unpark();
        stopped
    }

    /// Returns the reason to close the connection if the other end reads too slowly, sends too much, or has exceeded
    /// the time to log in. Durations are checked only if `is_over` is set.
    pub(crate) fn overdue(&mut self, now: Duration, is_over: bool) -> Option<CloseReason> {
        self.watch_wire(now);
        self.watch_hello(now);
        let slow = self.limits.slow_reader;
        let for_too_long =
            |since: Option<Duration>| is_over && since.is_some_and(|since| now >= since + slow);
        // Also without a link, where there is room for less: what was on its way when the link was lost is kept.
        let (queue, message_out) = (self.grown_queue_limit(), self.limits.message_out);
        // A message of the maximum size is accepted while there is room for one byte, and costs its bookkeeping.
        let most = queue.saturating_add(message_out).saturating_add(OVERHEAD);
        let with_batches = most.saturating_add(queue.max(message_out));
        if self.outbox.takes() > most {
            Some(CloseReason::us(CloseCode::SLOW_READER, "outbound queue is full"))
        } else if self.outbox.takes() + self.batches.takes() > with_batches {
            // Refusals are buffered beyond the limit. Results are not, so results alone never exceed it.
            Some(CloseReason::us(CloseCode::SLOW_READER, "too much waits in unfinished batches"))
        } else if for_too_long(self.above_since) {
            Some(CloseReason::us(CloseCode::SLOW_READER, "reads too slowly"))
        } else if for_too_long(self.paused_since) {
            Some(CloseReason::us(CloseCode::POLICY, "too many notifications"))
        } else {
            let expired = self.expired(now, is_over).or_else(|| self.too_fast(now));
            expired.or_else(|| self.session_overdue(now, is_over))
        }
    }

    /// Extends the time limits of the other end by `late`, the time in which this end could neither check the clock nor
    /// read messages.
    pub(crate) fn on_late(&mut self, late: Duration) {
        for since in [&mut self.above_since, &mut self.paused_since].into_iter().flatten() {
            *since += late;
        }
        self.put_off_login(late);
        self.put_off_session(late);
    }

    /// Returns whether all work is done: no handler runs, and no message waits to be sent.
    pub(crate) fn is_drained(&self) -> bool {
        self.is_idle() && self.outbox.is_empty()
    }

    /// Returns whether no handler runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.serving.requests() == 0 && self.notifications.is_free()
    }

    /// Ends the connection. Every waiting caller gets the reason. Queued answers may still be sent.
    ///
    /// Returns the wakers of waiters that get no answer any more. The caller drops the wakers without the lock.
    pub(crate) fn end(&mut self, reason: &CloseReason) -> Vec<W> {
        if self.ended.is_some() {
            return Vec::new();
        }
        self.ended = Some(reason.clone());
        self.end_calls(reason);
        self.clear_permit_watchers();
        self.drop_notifications();
        let mut unanswered = self.batches.drain();
        self.outgoing.clear();
        self.released.clear();
        self.dropped.clear();
        self.held = None;
        self.unreported = None;
        self.early = None;
        self.unanswered = None;
        self.abandonments = None;
        self.to_wake.extend(self.incoming.end_all(reason));
        let (watchers, after) = self.serving.drain();
        self.to_wake.extend(watchers);
        self.to_wake.extend(self.outbox.drain_waiting());
        unanswered.extend(after);
        unanswered
    }

    /// Records that the other end sends nothing more: calls of this end get no answer, and its streams no item.
    pub(crate) fn on_input_ended(&mut self, reason: &CloseReason) {
        self.end_calls(reason);
        self.to_wake.extend(self.incoming.end_all(reason));
    }

    /// Resolves all calls of this end with `reason`.
    fn end_calls(&mut self, reason: &CloseReason) {
        self.outbox.drop_calls();
        for id in self.calls.open_ids() {
            let fate = match self.calls.open_mut(id).map(|call| &call.place) {
                Some(place) if place.is_sent() => Fate::MaybeExecuted,
                _ => self.fate(id, Fate::NotSent),
            };
            self.resolve(id, Outcome::Closed(reason.clone().into(), fate));
        }
        self.on_wire = 0;
        self.parked.clear();
    }

    /// Drops the notifications that wait for their turn, and counts them: their sender takes them for received.
    pub(super) fn drop_notifications(&mut self) {
        self.counters.add_dropped(self.notifications.len() as u64);
        self.notifications.clear();
    }

    /// Drops all messages that were not sent.
    pub(crate) fn discard(&mut self) {
        self.outbox.clear();
        self.clear_window();
    }

    /// Returns the reason of the end, if the connection has ended.
    pub(crate) fn ended(&self) -> Option<&CloseReason> {
        self.ended.as_ref()
    }

    /// Frees memory that a busy period has left. Cheap if there is none to free.
    pub(crate) fn shrink(&mut self) {
        self.calls.shrink();
        self.serving.shrink();
        self.notifications.shrink();
        self.outbox.shrink();
        if let Some(session) = &mut self.session {
            session.shrink();
        }
        self.shrink_window();
        self.outgoing.shrink();
        self.shrink_early();
        self.shrink_unanswered();
        self.shrink_permit_watchers();
        if self.parked.is_empty() && self.parked.capacity() > 0 {
            self.parked = VecDeque::new();
        }
    }
}
