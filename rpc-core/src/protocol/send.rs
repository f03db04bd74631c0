//! Sending: the next message, the backlog of the transport, and the permission to read.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::{Protocol, Reading};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::tables::calls::MessageState;
use crate::protocol::tables::outbox::{Admitted, Carried, Queued};

impl<W> Protocol<W> {
    /// Moves messages for the transport to `outgoing`, until they have `most` bytes or there are no more.
    pub(crate) fn next_messages(&mut self, outgoing: &mut VecDeque<Bytes>, most: usize) {
        let mut bytes = 0;
        while bytes < most
            && let Some(message) = self.next_message()
        {
            bytes += message.len();
            outgoing.push_back(message);
        }
    }

    /// Removes and returns the next message for the transport.
    #[inline(always)] // else each message is written to the stack and read from there
    pub(super) fn next_message(&mut self) -> Option<Bytes> {
        let queued = self.outbox.pop()?;
        // The frequent messages are single ones without a session: they are not moved before they are returned.
        if self.session.is_some() || !self.parked.is_empty() || queued.calls.are_of_batch() {
            return Some(self.next_noted(queued));
        }
        if let Carried::One(id) = queued.calls {
            self.note_call(id, self.sent);
        }
        self.sent += 1;
        Some(queued.message)
    }

    /// Takes note of a message that the link is given, and returns the message.
    #[inline(never)] // else its place on the stack is made for each message
    fn next_noted(&mut self, queued: Queued) -> Bytes {
        // The frequent messages: answers, of which only the number is noted, and single calls.
        if let (Some(session), true) = (&mut self.session, self.parked.is_empty()) {
            match queued.calls {
                Carried::None => {
                    self.sent += 1;
                    return session.keep(queued).0;
                }
                Carried::One(id) => {
                    self.sent += 1;
                    let (message, number) = session.keep(queued);
                    self.note_entry(id);
                    number.into_iter().for_each(|number| self.note_call(id, number));
                    return message;
                }
                _ => {}
            }
        }
        self.next_with_others(queued)
    }

    /// Takes note of a message that is not among the frequent ones, and returns the message.
    #[inline(never)]
    fn next_with_others(&mut self, queued: Queued) -> Bytes {
        let calls = queued.calls.clone();
        let (message, number) = if self.session.is_some() {
            // The calls may have been made before there was a link, and so before the hello.
            calls.ids().iter().for_each(|id| self.note_entry(*id));
            self.send_counted(queued)
        } else {
            (queued.message, Some(self.sent))
        };
        if let Some(number) = number {
            calls.ids().iter().for_each(|id| self.note_call(*id, number));
            if calls.are_of_batch() {
                self.note_batch(&message, calls);
            }
            if !self.parked.is_empty() {
                self.unpark(); // calls that were given up have left room for parked calls
            }
        }
        self.sent += 1;
        message
    }

    /// Takes note that the message of a call leaves, which has this number.
    fn note_call(&mut self, id: u64, number: u64) {
        match self.calls.open_mut(id) {
            Some(call) => {
                call.place = MessageState::InFlight(number);
                if let Some(cold) = &call.cold {
                    self.released.extend(&cold.streams);
                }
            }
            // The caller gave the call up while its batch waited, but the message still has the call.
            None => {
                self.on_wire -= 1;
                self.cancel(id);
            }
        }
    }

    /// Sets the backlog of the transport, in bytes. Moves waiting messages into the queue while there is room.
    pub(crate) fn on_sent(&mut self, backlog: usize, now: Duration) {
        self.outbox.set_backlog(backlog);
        let mut had_room = false;
        while let Some(admitted) = self.outbox.admit() {
            had_room = true;
            match admitted {
                Admitted::Calls { calls: Carried::One(id), ticket } => {
                    if let Some(call) = self.calls.open_mut(id) {
                        call.place = MessageState::Queued(ticket);
                    }
                    self.note_entry(id);
                }
                Admitted::Calls { .. } => {}
                Admitted::Notification(waiter) => self.to_wake.extend(waiter),
            }
        }
        if self.outgoing.have_unsent() {
            let released = self.outgoing.take_sent(|ticket| self.outbox.has_left(ticket));
            self.released.extend(released);
        }
        self.flush_reports();
        self.say_mutes();
        // Without a link the queue cannot drain, so the other end is not counted as slow.
        let is_above = self.is_attached && !self.outbox.has_room();
        // Nor is it slow if the queue is full only because what waited has taken the room at once.
        self.above_since = is_above.then(|| self.above_since.filter(|_| !had_room).unwrap_or(now));
    }

    /// Returns whether no message waits to be sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Returns whether no message waits to be sent, and [`on_sent`](Self::on_sent) would let none in.
    pub(crate) fn has_sent_all(&self) -> bool {
        self.outbox.is_empty()
            && self.outbox.has_none_waiting()
            && !self.outgoing.have_unsent()
            && self.unreported.is_none()
            && !self.has_unsaid_mutes()
    }

    /// Returns whether the next message may be read.
    ///
    /// # Errors
    /// The reason to close the connection: too many notifications wait, and a call of this end waits for its answer or
    /// a stream for credit. A pause could deadlock, because the answer or the credit may follow further notifications.
    pub(crate) fn may_read(&mut self, now: Duration) -> Result<Reading, CloseReason> {
        let waiting = self.notifications.len();
        let full = waiting > self.limits.waiting_notifications
            || self.notifications.bytes() > self.limits.inflight_bytes;
        if !full {
            self.paused_since = None;
            return Ok(Reading::On);
        }
        // In a session room comes by what is read: both ends could wait for an acknowledgement that neither reads.
        let is_short_of_room = self.has_session() && !self.outbox.has_room();
        if self.calls.open() > 0 || self.outgoing.wait_for_credit() || is_short_of_room {
            return Err(CloseReason::us(CloseCode::POLICY, "too many notifications"));
        }
        self.paused_since.get_or_insert(now);
        Ok(Reading::Paused)
    }
}
