//! What this end wants of the other: calls and notifications on their way out.

use bytes::Bytes;

use super::{Caller, Outcome, Protocol, Refused, Start};
use crate::answer;
use crate::call_error::Fate;
use crate::calls::Place;
use crate::close::CloseReason;
use crate::outbox::Sender;

impl<W> Protocol<W> {
    /// Takes a call into the order of messages; returns its id. `message` makes its text.
    pub(crate) fn start(
        &mut self,
        start: Start,
        message: impl FnOnce(u64) -> Bytes,
    ) -> Result<u64, Refused> {
        if let Some(reason) = &self.ended {
            return Err(Refused::Closed(reason.clone()));
        }
        if self.calls.open() >= self.limits.pending_calls {
            return Err(Refused::Busy);
        }
        let id = self.calls.next_id();
        let message = message(id);
        // A handler's first call never waits for `calls_on_wire`: all those on the wire may depend
        // on it.
        let (lender, first) = match start.caller {
            Caller::Outside => (None, false),
            Caller::Handler(key) => (Some(key), self.serving.lend(key)),
            Caller::Elsewhere { first } => (None, first),
        };
        let free = self.on_wire < self.limits.calls_on_wire && self.parked.is_empty();
        let place = if first || free {
            self.on_wire += 1;
            self.offer(id, message)
        } else {
            self.parked.push_back(id);
            Place::Parked(message)
        };
        self.calls.insert(id, place, start.deadline, lender);
        Ok(id)
    }

    /// Takes the outcome of a call; without one yet, `waiter` is told when there is.
    pub(crate) fn collect(
        &mut self,
        id: u64,
        waiter: impl FnOnce(Option<W>) -> W,
    ) -> Option<Outcome> {
        self.calls.collect(id, waiter)
    }

    /// Forgets a call that was dropped. One that was sent is cancelled over there, any other leaves
    /// no trace.
    pub(crate) fn abandon(&mut self, id: u64) {
        if self.calls.open_mut(id).is_some() {
            self.withdraw(id);
            self.give_back(id);
        }
        self.calls.remove(id);
        // Calls that come and go while others hold the wire must not leave their ids behind.
        if self.parked.len() > 2 * self.calls.open() {
            self.parked.retain(|id| self.calls.open_mut(*id).is_some());
        }
        self.unpark();
    }

    /// Takes a notification into the order of messages. `Some` is the ticket under which it waits
    /// for room.
    pub(crate) fn notify(&mut self, message: Bytes) -> Result<Option<u64>, CloseReason> {
        if let Some(reason) = &self.ended {
            return Err(reason.clone());
        }
        if self.outbox.is_open() {
            self.outbox.push(message, None);
            return Ok(None);
        }
        Ok(Some(self.outbox.wait(message, Sender::Notification(None))))
    }

    /// Whether a notification would enter without waiting.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.is_open()
    }

    /// Whether the notification that waits under `ticket` has entered; else `waiter` is told.
    pub(crate) fn has_entered(
        &mut self,
        ticket: u64,
        waiter: impl FnOnce(Option<W>) -> W,
    ) -> Result<bool, CloseReason> {
        match &self.ended {
            Some(reason) => Err(reason.clone()),
            None => Ok(!self.outbox.still_waits(ticket, waiter)),
        }
    }

    /// Takes back a notification that waits for room.
    pub(crate) fn withdraw_notification(&mut self, ticket: u64) {
        self.outbox.remove_waiting(ticket);
    }

    /// Puts a call's message into the outbox, or in front of it if there is no room.
    fn offer(&mut self, id: u64, message: Bytes) -> Place {
        if self.outbox.is_open() {
            Place::Queued(self.outbox.push(message, Some(id)))
        } else {
            Place::Waiting(self.outbox.wait(message, Sender::Call(id)))
        }
    }

    /// Takes back the message of an open call, or cancels it if it is gone. Says what its caller
    /// may think of it.
    pub(super) fn withdraw(&mut self, id: u64) -> Fate {
        let Some(call) = self.calls.open_mut(id) else {
            return Fate::MaybeExecuted;
        };
        match call.place {
            Place::Parked(_) | Place::Lost => return Fate::NotSent,
            Place::Waiting(ticket) => self.outbox.remove_waiting(ticket),
            Place::Queued(ticket) => self.outbox.remove(ticket),
            Place::Handed(_) => {
                self.on_wire -= 1;
                self.calls.give_up();
                self.outbox.push(answer::cancel(id), None);
                return Fate::MaybeExecuted;
            }
        }
        self.on_wire -= 1;
        Fate::NotSent
    }

    /// Lets parked calls onto the wire, as many as may be there.
    pub(super) fn unpark(&mut self) {
        while self.on_wire < self.limits.calls_on_wire {
            let Some(id) = self.parked.pop_front() else {
                return;
            };
            let Some(call) = self.calls.open_mut(id) else {
                continue;
            };
            let Place::Parked(message) = call.place.clone() else {
                continue;
            };
            self.on_wire += 1;
            let place = self.offer(id, message);
            if let Some(call) = self.calls.open_mut(id) {
                call.place = place;
            }
        }
    }

    /// The handler that made this call has its place again.
    fn give_back(&mut self, id: u64) {
        if let Some(lender) = self.calls.open_mut(id).and_then(|call| call.lender) {
            self.serving.give_back(lender);
        }
    }

    pub(super) fn resolve(&mut self, id: u64, outcome: Outcome) {
        self.give_back(id);
        self.told.extend(self.calls.answer(id, outcome));
    }
}
