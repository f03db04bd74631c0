//! What this end wants of the other: calls and notifications on their way out.

use bytes::Bytes;

use super::{Caller, Outcome, Parked, Protocol, Refused, Start};
use crate::answer;
use crate::call_error::Fate;
use crate::calls::{More, New, Place, Reported, Subscribe};
use crate::close::CloseReason;
use crate::outbox::{Carried, Sender};
use crate::serving::Key;
use crate::sync::Arc;

impl<W> Protocol<W> {
    /// Takes a call into the order of messages; returns its id. `message` makes its text, `waiter` is
    /// told when it has an outcome.
    pub(crate) fn start(
        &mut self,
        start: Start,
        waiter: Option<W>,
        message: impl FnOnce(u64) -> Bytes,
    ) -> Result<u64, Refused> {
        if self.ended.is_some() || self.answers_only {
            return Err(Refused::Closed(self.unreachable().expect("it is one of the two")));
        }
        let no_stream_more = start.unsubscribe.is_some() && self.taken.len() >= self.limits.streams;
        if self.calls.open() >= self.limits.pending_calls
            || no_stream_more
            || !self.has_room_for_streams(start.streams.len())
        {
            return Err(Refused::Busy);
        }
        let waits_for_hello = !start.streams.is_empty() && self.hello.window().is_none();
        if waits_for_hello && self.hello.is_plain() {
            return Err(Refused::NoStreams);
        }
        let id = self.calls.next_id();
        let message = message(id);
        let (lender, first) = self.lender(start.caller);
        let place = if waits_for_hello {
            Place::Parked(message)
        } else {
            self.take_place(id, message, first)
        };
        let deadline = start.deadline;
        let more = self.more(id, start);
        self.calls.insert(id, New { place, deadline, lender, more, waiter });
        if waits_for_hello {
            self.probe(id, first);
        }
        Ok(id)
    }

    fn more(&mut self, id: u64, start: Start) -> Option<Box<More>> {
        let Start { unsubscribe, streams, renewed, progress, .. } = start;
        if unsubscribe.is_none() && streams.is_empty() && renewed.is_none() && !progress {
            return None;
        }
        let greeted = self.hello.is_said();
        let subscribe = unsubscribe.map(|unsubscribe| Subscribe { unsubscribe, greeted });
        let streams = self.open_streams(id, streams);
        let progress = progress.then(Reported::default);
        Some(Box::new(More { subscribe, streams, renewed, progress }))
    }

    /// Puts a call where its message waits to be sent: the `first` one of a handler never waits for
    /// `calls_on_wire`, since all those on the wire may depend on it.
    pub(super) fn take_place(&mut self, id: u64, message: Bytes, first: bool) -> Place {
        if first || self.wire_is_free(1) {
            self.on_wire += 1;
            self.enqueue(id, message)
        } else {
            self.parked.push_back(Parked::Call(id));
            Place::Parked(message)
        }
    }

    /// Takes calls into the order of messages that leave as one: `message` makes its text, given the
    /// ids of as many of them as there may be. Those are returned, in order; the rest is busy.
    pub(crate) fn start_batch(
        &mut self,
        starts: &[Start],
        message: impl FnOnce(&[u64]) -> Bytes,
    ) -> Result<Arc<[u64]>, CloseReason> {
        if let Some(reason) = self.unreachable() {
            return Err(reason);
        }
        let room = self.limits.pending_calls.saturating_sub(self.calls.open());
        let mut ids = Vec::with_capacity(starts.len().min(room));
        for start in &starts[..starts.len().min(room)] {
            let id = self.calls.next_id();
            let (lender, _) = self.lender(start.caller);
            let (place, deadline) = (Place::InBatch, start.deadline);
            let more = self.more(id, start.clone());
            self.calls.insert(id, New { place, deadline, lender, more, waiter: None });
            ids.push(id);
        }
        let ids: Arc<[u64]> = ids.into();
        let message = message(&ids);
        if message.is_empty() {
            return Ok(ids); // not one of them found room, and there was nothing else
        }
        if self.wire_is_free(ids.len()) {
            self.on_wire += ids.len();
            self.enqueue_batch(ids.clone(), message);
        } else {
            self.parked.push_back(Parked::Batch(ids.clone(), message));
        }
        Ok(ids)
    }

    /// Whether so many calls may join those on the wire. A batch of more than there may ever be
    /// goes alone.
    fn wire_is_free(&self, calls: usize) -> bool {
        self.parked.is_empty() && self.has_wire_for(calls)
    }

    fn has_wire_for(&self, calls: usize) -> bool {
        self.on_wire + calls <= self.limits.calls_on_wire || (self.on_wire == 0 && calls > 1)
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
            self.settle_lender(id);
            self.drop_streams(id);
        }
        if let Some(Outcome::Subscribed(key)) = self.calls.forget(id) {
            self.unsubscribe(key);
        }
        self.unpark();
    }

    /// Takes a notification into the order of messages. `Some` is the ticket under which it waits
    /// for room.
    pub(crate) fn notify(&mut self, message: Bytes) -> Result<Option<u64>, CloseReason> {
        if let Some(reason) = self.unreachable() {
            return Err(reason);
        }
        if self.outbox.is_open() {
            self.outbox.push(message, Carried::None);
            return Ok(None);
        }
        Ok(Some(self.outbox.wait(message, Sender::Notification(None))))
    }

    /// Whether what must wait for room would enter at once.
    pub(crate) fn is_open(&self) -> bool {
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

    /// The handler here that lends its place for a call, and whether it waits for no other one.
    fn lender(&mut self, caller: Caller) -> (Option<Key>, bool) {
        match caller {
            Caller::Outside => (None, false),
            Caller::Handler(key) => (Some(key), self.lend(key)),
            Caller::Elsewhere { first } => (None, first),
        }
    }

    /// Puts a call's message into the outbox, or in front of it if there is no room.
    fn enqueue(&mut self, id: u64, message: Bytes) -> Place {
        if self.outbox.is_open() {
            Place::Queued(self.outbox.push(message, Carried::One(id)))
        } else {
            Place::Waiting(self.outbox.wait(message, Sender::Calls(Carried::One(id))))
        }
    }

    fn enqueue_batch(&mut self, ids: Arc<[u64]>, message: Bytes) {
        let calls = Carried::Many(ids);
        if self.outbox.is_open() {
            self.outbox.push(message, calls);
        } else {
            self.outbox.wait(message, Sender::Calls(calls));
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
            // It will be sent with the others, and cancelled then.
            Place::InBatch => {
                self.calls.give_up();
                return Fate::MaybeExecuted;
            }
            Place::Waiting(ticket) => self.outbox.remove_waiting(ticket),
            Place::Queued(ticket) => self.outbox.remove(ticket),
            Place::Handed(_) => {
                let subscribe = call.more.as_mut().and_then(|more| more.subscribe.take());
                let unsubscribe = subscribe.map(|it| it.unsubscribe);
                self.on_wire -= 1;
                self.calls.give_up();
                self.mark(id, unsubscribe);
                self.outbox.push(answer::cancel(id), Carried::None);
                return Fate::MaybeExecuted;
            }
        }
        self.on_wire -= 1;
        Fate::NotSent
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
                Some(Parked::Batch(ids, message)) => {
                    self.on_wire += ids.len();
                    self.enqueue_batch(ids, message);
                }
                None => return,
            }
        }
    }

    fn unpark_call(&mut self, id: u64) {
        let Some(call) = self.calls.open_mut(id) else { return };
        let Place::Parked(message) = call.place.clone() else { return };
        self.on_wire += 1;
        let place = self.enqueue(id, message);
        if let Some(call) = self.calls.open_mut(id) {
            call.place = place;
        }
    }

    /// The handler that made this call has its place again.
    fn settle_lender(&mut self, id: u64) {
        if let Some(lender) = self.calls.open_mut(id).and_then(|call| call.lender) {
            self.give_back(lender);
        }
    }

    pub(super) fn resolve(&mut self, id: u64, outcome: Outcome) {
        self.settle_lender(id);
        self.drop_streams(id);
        self.told.extend(self.calls.answer(id, outcome));
    }
}
