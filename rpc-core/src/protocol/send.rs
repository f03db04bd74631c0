//! Sending: the next message, the backlog of the transport, and the permission to read.

use std::time::Duration;

use bytes::Bytes;

use super::{Protocol, Reading};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::tables::calls::MessageState;
use crate::protocol::tables::outbox::{Admitted, Carried, Queued};

impl<W> Protocol<W> {
    /// Removes and returns the next message for the transport.
    pub(crate) fn next_message(&mut self) -> Option<Bytes> {
        let queued = self.outbox.pop()?;
        if self.session.is_some() {
            return Some(self.next_counted(&queued));
        }
        self.note_taken_out(&queued, self.sent);
        self.sent += 1;
        Some(queued.message)
    }

    #[cold]
    fn next_counted(&mut self, queued: &Queued) -> Bytes {
        let (message, number) = self.send_counted(queued);
        if let Some(number) = number {
            self.note_taken_out(queued, number);
        }
        self.sent += 1;
        message
    }

    /// Takes note that the link is given a message, which has this number.
    #[inline(always)] // for messages without a session; what sessions add is a copy
    fn note_taken_out(&mut self, queued: &Queued, number: u64) {
        for id in queued.calls.ids() {
            match self.calls.open_mut(*id) {
                Some(call) => {
                    call.place = MessageState::InFlight(number);
                    if let Some(cold) = &call.cold {
                        self.released.extend(&cold.streams);
                    }
                }
                // The caller gave the call up while its batch waited, but the message still has the call.
                None => {
                    self.on_wire -= 1;
                    self.cancel(*id);
                }
            }
        }
        if matches!(queued.calls, Carried::Many(_) | Carried::Again(_) | Carried::Notifications) {
            self.note_batch(queued);
        }
        if !self.parked.is_empty() {
            self.unpark(); // calls that were given up have left room for parked calls
        }
    }

    /// Sets the backlog of the transport, in bytes. Moves waiting messages into the queue while there is room.
    pub(crate) fn on_sent(&mut self, backlog: usize, now: Duration) {
        self.outbox.set_backlog(backlog);
        while let Some(admitted) = self.outbox.admit() {
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
        self.flush_reports();
        // Without a link the queue cannot drain, so the other end is not counted as slow.
        let is_above = self.is_attached && !self.outbox.has_room();
        self.above_since = is_above.then(|| self.above_since.unwrap_or(now));
    }

    /// Returns whether no message waits to be sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.outbox.is_empty()
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
