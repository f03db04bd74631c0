//! Calls and notifications of this end, on their way out.

use bytes::Bytes;

use super::{Caller, Outcome, Protocol, Refused, Start};
use crate::error::call::Fate;
use crate::error::close::CloseReason;
use crate::protocol::tables::calls::{ColdFields, MessageState, New, Reported, Subscribe};
use crate::protocol::tables::key::Key;
use crate::protocol::tables::outbox::{Carried, Sender};
use crate::util::sync::Arc;
use crate::wire::dialect::Dialect;
use crate::wire::encode;

impl<W> Protocol<W> {
    /// Starts a call. Returns its id. `message` makes the text of the request; `waiter` is taken if the
    /// call starts, and told when the call has an outcome.
    pub(crate) fn start(
        &mut self,
        start: Start,
        waiter: &mut Option<W>,
        message: impl FnOnce(u64) -> Bytes,
    ) -> Result<u64, Refused> {
        if self.ended.is_some() || self.answers_only {
            return Err(Refused::Closed(self.unreachable().expect("it is one of the two")));
        }
        // Those that were asked for and are not answered yet will be streams as well.
        let no_stream_more = start.wanted.is_some()
            && self.incoming.len() + self.calls.subscribing() >= self.limits.streams;
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
        let id = self.next_id();
        let message = message(id);
        // Whether a call that is handed on opens a stream is known from its answer.
        let may_repeat = start.may_repeat;
        let keeps_message = (may_repeat || start.is_forwarded) && self.outlives_links();
        let again = keeps_message.then(|| message.clone());
        let (handler, is_marked) = (self.handler(start.caller), start.caller.is_marked());
        let place = if waits_for_hello {
            MessageState::Parked(message)
        } else {
            self.take_place(id, message, is_marked)
        };
        let (deadline, is_forwarded) = (start.deadline, start.is_forwarded);
        let mut cold = self.cold(id, start);
        if again.is_some() {
            let cold = cold.get_or_insert_default();
            (cold.again, cold.may_repeat) = (again, may_repeat);
        }
        let waiter = waiter.take();
        self.calls.register(id, New { place, deadline, handler, is_forwarded, cold, waiter });
        if waits_for_hello {
            self.hold_for_hello(id, is_marked);
        }
        Ok(id)
    }

    /// Returns the id that the next call gets.
    fn next_id(&mut self) -> u64 {
        if self.calls.last_id() == 0 && !self.is_known() {
            self.calls.begin_apart(self.chance);
        }
        self.calls.next_id()
    }

    /// Returns the id for a call whose answer nobody waits for.
    pub(super) fn issue_id(&mut self) -> u64 {
        self.next_id();
        self.calls.issue()
    }

    fn cold(&mut self, id: u64, start: Start) -> Option<Box<ColdFields>> {
        let Start { wanted, streams, sliding, progress, is_lasting, .. } = start;
        let is_special = progress | is_lasting;
        if wanted.is_none() && streams.is_empty() && sliding.is_none() && !is_special {
            return None;
        }
        let greeted = self.hello.is_said();
        if let Some(wanted) = &wanted {
            self.note_id_member(wanted);
        }
        let subscribe = wanted.map(|wanted| Subscribe { wanted, greeted });
        let streams = self.open_streams(id, streams);
        let progress = progress.then(Reported::default);
        let (again, may_repeat, renews, may_have_run) = (None, false, None, false);
        Some(Box::new(ColdFields {
            subscribe,
            streams,
            sliding,
            progress,
            is_lasting,
            again,
            may_repeat,
            renews,
            may_have_run,
        }))
    }

    /// Starts calls that leave as one batch, with this number of `notifications`. `message` makes the
    /// text, given the ids of as many calls as there is room for. Returns these ids, in order; the other
    /// calls are busy.
    pub(crate) fn start_batch(
        &mut self,
        starts: &[Start],
        notifications: usize,
        message: impl FnOnce(&[u64]) -> Bytes,
    ) -> Result<Arc<[u64]>, CloseReason> {
        if let Some(reason) = self.unreachable() {
            return Err(reason);
        }
        let room = self.limits.pending_calls.saturating_sub(self.calls.open());
        let mut ids = Vec::with_capacity(starts.len().min(room));
        for start in &starts[..starts.len().min(room)] {
            let id = self.next_id();
            let handler = self.handler(start.caller);
            let (place, deadline) = (MessageState::InBatch, start.deadline);
            let (cold, is_forwarded) = (self.cold(id, start.clone()), start.is_forwarded);
            let new = New { place, deadline, handler, is_forwarded, cold, waiter: None };
            self.calls.register(id, new);
            ids.push(id);
        }
        let ids: Arc<[u64]> = ids.into();
        let message = message(&ids);
        if message.is_empty() {
            return Ok(ids); // not one of them found room, and there was nothing else
        }
        let is_marked = starts.iter().any(|start| start.caller.is_marked());
        self.place_batch(&ids, message, notifications, is_marked);
        Ok(ids)
    }

    /// Takes the outcome of a call. Without an outcome `keep` stores a waiter, and `None` is returned.
    pub(crate) fn poll_outcome(
        &mut self,
        id: u64,
        keep: impl FnOnce(&mut Option<W>),
    ) -> Option<Outcome> {
        self.calls.take(id, keep)
    }

    /// Forgets a call that was dropped. A call that was sent is cancelled at the other end, any other
    /// call leaves no trace. Returns the waiter, to be dropped without the lock.
    pub(crate) fn abandon(&mut self, id: u64) -> Option<W> {
        if self.calls.open_mut(id).is_some() {
            self.withdraw(id);
            self.settle_handler(id);
            self.drop_streams(id);
        }
        let (outcome, waiter) = self.calls.cancel(id);
        if let Some(key) = outcome.and_then(|outcome| outcome.stream()) {
            let nobody = self.unsubscribe(key);
            debug_assert!(nobody.is_none(), "nobody took the stream");
        }
        self.unpark();
        waiter
    }

    /// Sends a notification, unless the other end has muted its method. Returns the ticket under which it waits, if there
    /// is no room. A notification that
    /// `is_marked`, as it is sent to open the session, is not held back.
    pub(crate) fn notify(
        &mut self,
        message: Bytes,
        is_marked: impl FnOnce() -> bool,
    ) -> Result<Option<u64>, CloseReason> {
        if let Some(reason) = self.unreachable() {
            return Err(reason);
        }
        if self.skips(&message) {
            return Ok(None);
        }
        if self.outbox.is_open() || (self.outbox.is_held() && is_marked()) {
            let calls = Carried::notified(&message);
            self.outbox.push(message, calls);
            return Ok(None);
        }
        Ok(Some(self.outbox.wait(message, Sender::Notification(None))))
    }

    /// Returns whether a message that must wait for room would enter at once.
    pub(crate) fn is_open(&self) -> bool {
        self.outbox.is_open()
    }

    /// Takes a notification that cannot wait for room, in front of nothing that waits. It may enter above `queue`, while
    /// what is beyond that is no more than one message may be: the other end has `slow_reader` to make room again.
    /// Without a link there is no such time. Returns whether the notification was taken.
    pub(crate) fn push(&mut self, message: Bytes) -> bool {
        if self.unreachable().is_some() {
            return false;
        }
        let beyond = if self.is_attached { self.limits.message_out } else { 0 };
        let takes = self.outbox.takes().saturating_add(message.len());
        let has_room = takes <= self.queue_limit().saturating_add(beyond);
        let enters = self.outbox.is_open() || (has_room && self.outbox.has_none_waiting());
        if enters {
            let calls = Carried::notified(&message);
            self.outbox.push(message, calls);
        }
        enters
    }

    /// Returns whether the notification that waited under `ticket` has entered the queue. If not, `keep`
    /// stores a waiter.
    pub(crate) fn poll_entered(
        &mut self,
        ticket: u64,
        keep: impl FnOnce(&mut Option<W>),
    ) -> Result<bool, CloseReason> {
        match &self.ended {
            // One that had entered before the end may have been sent.
            Some(reason) if !self.outbox.has_entered(ticket) => Err(reason.clone()),
            _ => Ok(!self.outbox.still_waits(ticket, keep)),
        }
    }

    /// Takes back a notification that waits for room. Returns the waiter, to be dropped without the lock.
    pub(crate) fn withdraw_notification(&mut self, ticket: u64) -> Option<W> {
        self.outbox.cancel_waiting(ticket)
    }

    /// Releases the permit of the handler that makes a call, if the handler is of this connection.
    fn handler(&mut self, caller: Caller) -> Option<Key> {
        let Caller::Handler(key) = caller else { return None };
        self.release_permit(key);
        Some(key)
    }

    /// Puts a call's message into the outbox, or in front of it if there is no room.
    pub(super) fn enqueue(&mut self, id: u64, message: Bytes, is_marked: bool) -> MessageState {
        if self.outbox.is_open() || (is_marked && self.outbox.is_held()) {
            MessageState::Queued(self.outbox.push(message, Carried::One(id)))
        } else {
            MessageState::Waiting(self.outbox.wait(message, Sender::Calls(Carried::One(id))))
        }
    }

    pub(super) fn enqueue_batch(&mut self, calls: Carried, message: Bytes, is_marked: bool) {
        if self.outbox.is_open() || (is_marked && self.outbox.is_held()) {
            self.outbox.push(message, calls);
        } else {
            self.outbox.wait(message, Sender::Calls(calls));
        }
    }

    /// Returns the fate of a call whose message has this fate: the call may have run in a session before.
    pub(super) fn fate(&mut self, id: u64, of_message: Fate) -> Fate {
        let may_have_run = self.calls.cold_mut(id).is_some_and(|cold| cold.may_have_run);
        if may_have_run { Fate::MaybeExecuted } else { of_message }
    }

    /// Takes back the message of an open call, or cancels the call if its message is gone. Returns
    /// whether the call may have run.
    pub(super) fn withdraw(&mut self, id: u64) -> Fate {
        let of_message = self.withdraw_message(id);
        self.fate(id, of_message)
    }

    fn withdraw_message(&mut self, id: u64) -> Fate {
        let Some(call) = self.calls.open_mut(id) else {
            return Fate::MaybeExecuted;
        };
        match call.place {
            MessageState::Parked(_) | MessageState::Lost => return Fate::NotSent,
            // It will be sent with the others, and cancelled then.
            MessageState::InBatch => {
                self.calls.give_up();
                return Fate::MaybeExecuted;
            }
            MessageState::Waiting(ticket) => {
                let nobody = self.outbox.cancel_waiting(ticket);
                debug_assert!(nobody.is_none(), "who waits for a call is kept with the call");
            }
            MessageState::Queued(ticket) => self.outbox.cancel(ticket),
            MessageState::InFlight(_) | MessageState::OfLink => {
                let wanted = self.calls.take_subscribe(id).map(|it| it.wanted);
                self.on_wire -= 1;
                self.calls.give_up();
                self.mark(id, wanted);
                self.cancel(id);
                return Fate::MaybeExecuted;
            }
        }
        self.on_wire -= 1;
        Fate::NotSent
    }

    /// Cancels a call that the other end has, if the other end is known to understand that.
    pub(super) fn cancel(&mut self, id: u64) {
        let cancel = match self.dialect {
            Dialect::JsonRpc if !self.is_known() && !self.cancels => return,
            Dialect::JsonRpc | Dialect::Lsp => encode::cancel(id),
            Dialect::Mcp if self.calls.cold_mut(id).is_some_and(|cold| cold.is_lasting) => return,
            Dialect::Mcp => encode::mcp_cancel(id),
        };
        self.outbox.push(cancel, Carried::None);
    }

    /// Gives the handler that made this call its permit again.
    fn settle_handler(&mut self, id: u64) {
        if let Some(handler) = self.calls.open_mut(id).and_then(|call| call.handler) {
            self.reacquire_permit(handler);
        }
    }

    pub(super) fn resolve(&mut self, id: u64, outcome: Outcome) {
        let call = self.calls.open_mut(id);
        if call.is_some_and(|call| call.handler.is_some() || call.cold.is_some()) {
            return self.resolve_unusual(id, outcome);
        }
        self.to_wake.extend(self.calls.complete(id, outcome));
    }

    /// Resolves a call that a handler has made, or that has cold fields.
    #[inline(never)] // most calls have neither
    fn resolve_unusual(&mut self, id: u64, outcome: Outcome) {
        self.settle_handler(id);
        if let Some(stream) = self.drop_streams(id) {
            self.renewed(id, stream, outcome);
            return;
        }
        self.to_wake.extend(self.calls.complete(id, outcome));
    }
}
