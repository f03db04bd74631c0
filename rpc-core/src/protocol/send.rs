//! Sending: the next message, the backlog of the transport, and the permission to read.

use std::time::Duration;

use bytes::Bytes;

use super::{Protocol, Reading};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::tables::calls::MessageState;
use crate::protocol::tables::outbox::{Admitted, Carried};

impl<W> Protocol<W> {
    /// Removes and returns the next message for the transport.
    pub(crate) fn next_message(&mut self) -> Option<Bytes> {
        let queued = self.outbox.pop()?;
        for id in queued.calls.ids() {
            match self.calls.open_mut(*id) {
                Some(call) => {
                    call.place = MessageState::InFlight(self.sent);
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
        if !matches!(queued.calls, Carried::None | Carried::One(_)) {
            self.note_batch(&queued);
        }
        self.sent += 1;
        if !self.parked.is_empty() {
            self.unpark(); // calls that were given up have left room for parked calls
        }
        Some(queued.message)
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
        if self.calls.open() > 0 || self.outgoing.wait_for_credit() {
            return Err(CloseReason::us(CloseCode::POLICY, "too many notifications"));
        }
        self.paused_since.get_or_insert(now);
        Ok(Reading::Paused)
    }
}
