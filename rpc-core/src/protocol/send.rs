//! The transport: what it is given, what it holds, and when it may be read.

use std::time::Duration;

use bytes::Bytes;

use super::{Protocol, Reading};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::tables::calls::MessageState;
use crate::protocol::tables::outbox::{Admitted, Carried};

impl<W> Protocol<W> {
    /// The next message for the transport.
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
                // Given up while its batch waited, of which it is still a part.
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
            self.unpark(); // what was given up has left room for others
        }
        Some(queued.message)
    }

    /// Says how many bytes the transport holds; lets in who waits, if there is room for them.
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
        // Without a link nothing can leave, which is not the other end's fault.
        let is_above = self.is_attached && !self.outbox.has_room();
        self.above_since = is_above.then(|| self.above_since.unwrap_or(now));
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Whether the next message may be read.
    ///
    /// # Errors
    /// Why the connection must be closed: too many notifications wait, and a call of ours waits for
    /// an answer, or a stream for credit, that may lie behind more of them.
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
