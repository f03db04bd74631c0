//! Requests of the other end that wait until the session is open at this end.

use crate::protocol::Protocol;

impl<W> Protocol<W> {
    /// Starts no handler until `release_handlers` was called as often.
    pub(crate) fn hold_handlers(&mut self) {
        self.holds += 1;
        self.outbox.hold_handlers();
    }

    /// Lets handlers start again.
    pub(crate) fn release_handlers(&mut self) {
        self.holds = self.holds.saturating_sub(1);
        if self.holds == 0 {
            self.outbox.release_handlers();
        }
    }
}
