//! The loss of a link: which messages the medium accepted, and what goes on without a link.

use std::time::Duration;

use super::Protocol;
use crate::limits::Limits;
use crate::protocol::tables::calls::MessageState;

impl<W> Protocol<W> {
    /// Records that the link is lost while the connection goes on. The medium accepted the first `accepted` messages of
    /// the link completely.
    pub(crate) fn detach(&mut self, accepted: u64, now: Duration) {
        self.is_attached = false;
        self.above_since = None;
        self.outbox.drop_of_link();
        self.take_going_away();
        self.leave_link(accepted, now);
        self.outbox.set_limit(self.queue_limit());
    }

    /// Records how many messages of the link the medium accepted, since another link takes its place.
    pub(crate) fn note_accepted(&mut self, accepted: u64) {
        if let Some(session) = &mut self.session {
            session.on_accepted(accepted);
        }
    }

    /// Returns how many bytes there is room for in the outbox: fewer while a session is without a link.
    pub(super) fn queue_limit(&self) -> usize {
        let Limits { queue, away_bytes, .. } = *self.limits;
        if self.is_attached { self.grown_queue_limit() } else { queue.min(away_bytes) }
    }

    /// Returns how many bytes there is room for in the outbox with a link: `queue`, and what was lent to the session.
    pub(super) fn grown_queue_limit(&self) -> usize {
        self.limits.queue.saturating_add(self.lent_to_session())
    }

    /// Records the loss of the link before the end of the connection. The medium accepted the first `accepted` messages
    /// of the link completely.
    pub(crate) fn link_lost(&mut self, accepted: u64) {
        if let Some(session) = &mut self.session {
            session.on_accepted(accepted);
        }
        self.lose_calls(accepted);
    }

    /// Records that the last `unsent` messages that were taken out of the outbox will be passed to no link.
    pub(crate) fn take_back(&mut self, unsent: usize) {
        self.lose_calls(self.sent - unsent as u64);
    }

    /// Marks the calls whose messages were given to the link and not accepted.
    fn lose_calls(&mut self, accepted: u64) {
        for id in self.calls.open_ids() {
            let Some(call) = self.calls.open_mut(id) else { continue };
            let MessageState::InFlight(number) = call.place else { continue };
            let is_lost = match &self.session {
                Some(session) => session.is_not_taken_in(number),
                None => number >= accepted,
            };
            if is_lost {
                call.place = MessageState::Lost;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, fate, next, protocol};
    use crate::error::call::Fate;
    use crate::error::close::CloseReason;

    #[test]
    fn a_call_whose_last_byte_the_medium_did_not_accept_was_not_sent() {
        let mut protocol = protocol(|limits| limits.calls_on_wire = 4);
        let calls = ["accepted", "lost", "taken out", "queued", "parked"];
        let calls = calls.map(|text| call(&mut protocol, text));
        (0..3).for_each(|_| _ = next(&mut protocol));
        protocol.take_back(1);
        protocol.link_lost(1);
        protocol.end(&CloseReason::link("lost"));
        let fates = calls.map(|id| fate(&mut protocol, id));
        use Fate::{MaybeExecuted, NotSent};
        assert_eq!(fates, [MaybeExecuted, NotSent, NotSent, NotSent, NotSent]);
    }
}
