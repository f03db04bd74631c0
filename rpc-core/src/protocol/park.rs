//! Calls that wait until fewer are on the wire, and what lets them on when that takes too long.

use std::time::Duration;

use bytes::Bytes;

use super::{Outcome, Protocol};
use crate::protocol::tables::calls::MessageState;
use crate::protocol::tables::outbox::Carried;
use crate::util::sync::Arc;

/// If no call on the wire was answered for this long while a handler of this end runs, the calls on the wire may
/// depend on the waiting ones. Then as many more calls are let on.
const RELIEF: Duration = Duration::from_millis(250);

/// If the additional calls bring no answer within this time either, the calls that wait are busy.
const GIVE_UP: Duration = Duration::from_secs(10);

/// A call or a batch that waits until there may be more calls on the wire.
pub(super) enum Parked {
    /// The call with this id, which keeps its message.
    Call(u64),
    /// A batch of calls, its message, and how many notifications are in that.
    Batch(Arc<[u64]>, Bytes, usize),
}

impl Parked {
    /// Returns how many calls it puts on the wire.
    fn len(&self) -> usize {
        match self {
            Self::Call(_) => 1,
            Self::Batch(ids, ..) => ids.len(),
        }
    }
}

/// Calls wait for the wire, a handler of this end runs, and nothing is answered. In a box, as it is rare.
#[derive(Debug)]
pub(super) struct Stall {
    since: Duration,
    /// Whether more calls are on the wire for that.
    is_relieved: bool,
}

impl<W> Protocol<W> {
    /// Puts the message of a call where it waits to be sent. A call of a handler never waits for
    /// `calls_on_wire`, since all calls on the wire may depend on the handler.
    pub(super) fn take_place(&mut self, id: u64, message: Bytes, is_marked: bool) -> MessageState {
        if is_marked || self.wire_is_free(1) {
            self.on_wire += 1;
            self.enqueue(id, message, is_marked)
        } else {
            self.parked.push_back(Parked::Call(id));
            MessageState::Parked(message)
        }
    }

    /// As [`take_place`](Self::take_place), for a batch as a whole.
    pub(super) fn place_batch(
        &mut self,
        ids: &Arc<[u64]>,
        message: Bytes,
        notifications: usize,
        is_marked: bool,
    ) {
        if is_marked || self.wire_is_free(ids.len()) {
            self.on_wire += ids.len();
            self.enqueue_batch(Carried::Many(ids.clone()), message, is_marked);
        } else {
            self.parked.push_back(Parked::Batch(ids.clone(), message, notifications));
        }
    }

    /// Returns whether this number of calls may join those on the wire. A batch that is larger than the
    /// limit goes alone.
    fn wire_is_free(&self, calls: usize) -> bool {
        self.parked.is_empty() && self.has_wire_for(calls)
    }

    fn has_wire_for(&self, calls: usize) -> bool {
        let is_relieved = self.stall.as_ref().is_some_and(|stall| stall.is_relieved);
        let most = self.limits.calls_on_wire << u32::from(is_relieved);
        self.on_wire + calls <= most || (self.on_wire == 0 && calls > 1)
    }

    /// Lets parked calls onto the wire, as many as may be there.
    pub(super) fn unpark(&mut self) {
        // Calls that come and go while others hold the wire must not leave their ids behind.
        if self.parked.len() > 2 * self.calls.open() + 8 {
            self.parked.retain(|parked| match parked {
                Parked::Call(id) => self.calls.open_mut(*id).is_some(),
                Parked::Batch(..) => true,
            });
        }
        while let Some(parked) = self.parked.front()
            && self.has_wire_for(parked.len())
        {
            match self.parked.pop_front() {
                Some(Parked::Call(id)) => self.unpark_call(id),
                Some(Parked::Batch(ids, message, _)) => {
                    self.on_wire += ids.len();
                    self.enqueue_batch(Carried::Many(ids), message, false);
                }
                None => return,
            }
        }
    }

    /// Replaces the messages of parked calls by what `rewrite` returns.
    pub(super) fn rewrite_parked(&mut self, rewrite: impl Fn(&Bytes) -> Option<Bytes>) {
        for parked in &mut self.parked {
            let message = match parked {
                Parked::Batch(_, message, _) => Some(message),
                Parked::Call(id) => match self.calls.open_mut(*id).map(|call| &mut call.place) {
                    Some(MessageState::Parked(message)) => Some(message),
                    _ => None,
                },
            };
            if let Some(message) = message
                && let Some(rewritten) = rewrite(message)
            {
                *message = rewritten;
            }
        }
    }

    fn unpark_call(&mut self, id: u64) {
        let Some(call) = self.calls.open_mut(id) else { return };
        let MessageState::Parked(message) = call.place.clone() else { return };
        self.on_wire += 1;
        let place = self.enqueue(id, message, false);
        if let Some(call) = self.calls.open_mut(id) {
            call.place = place;
        }
        self.note_entry(id);
    }

    /// Notes since when calls wait that may never be let onto the wire by themselves.
    pub(super) fn watch_wire(&mut self, now: Duration) {
        if self.parked.is_empty() || !self.serving.has_pending() {
            self.stall = None;
        } else {
            self.stall.get_or_insert_with(|| Box::new(Stall { since: now, is_relieved: false }));
        }
    }

    /// Returns whether calls wait for the wire and nobody has looked at the clock for them.
    pub(crate) fn wire_is_unwatched(&self) -> bool {
        !self.parked.is_empty() && self.stall.is_none() && self.serving.has_pending()
    }

    /// Returns when something is to be done for the calls that wait.
    pub(super) fn stall_ends(&self) -> Option<Duration> {
        let Stall { since, is_relieved } = **self.stall.as_ref()?;
        Some(since + if is_relieved { GIVE_UP } else { RELIEF })
    }

    /// Lets more calls onto a wire on which no answer comes, and gives up the other calls if that has not
    /// helped.
    pub(super) fn relieve(&mut self, now: Duration) {
        if self.stall_ends().is_none_or(|ends| now < ends) {
            return;
        }
        match &mut self.stall {
            Some(stall) if !stall.is_relieved => stall.is_relieved = true,
            _ => self.refuse_parked(),
        }
    }

    fn refuse_parked(&mut self) {
        self.stall = None;
        for parked in std::mem::take(&mut self.parked) {
            match parked {
                Parked::Call(id) => self.resolve(id, Outcome::Busy),
                Parked::Batch(ids, _, notifications) => {
                    ids.iter().for_each(|id| self.resolve(*id, Outcome::Busy));
                    self.counters.add_dropped(notifications as u64);
                }
            }
        }
    }
}
