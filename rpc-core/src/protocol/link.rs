//! The replacement of the link. The tables survive a link.
//!
//! Each link counts its messages from 0; the tables count all messages that were taken out of the outbox.

use super::{Outcome, Protocol};
use crate::error::call::Fate;
use crate::error::close::CloseReason;
use crate::protocol::tables::calls::MessageState;

impl<W> Protocol<W> {
    /// Starts a new link for the next messages. `unsent` is the number of messages that were taken out of the outbox
    /// and passed to no link.
    pub(crate) fn attach(&mut self, unsent: usize) {
        self.before_link = self.sent - unsent as u64;
        self.is_attached = true;
    }

    /// Records the loss of the link, and keeps the tables. The medium accepted the first `accepted` messages of the
    /// link completely. The last `unsent` messages were not passed to the link and wait for the next link. The calls
    /// in the messages between them fail, because the other end cannot have received these requests.
    pub(crate) fn detach(&mut self, accepted: u64, unsent: usize, reason: &CloseReason) {
        let given = self.sent - unsent as u64;
        for id in self.lost_calls(accepted, given) {
            self.resolve(id, Outcome::Closed(reason.clone().into(), Fate::NotSent));
            self.on_wire -= 1;
        }
        self.unpark();
        self.is_attached = false;
        self.above_since = None;
    }

    /// Records the loss of the link before the end of the connection. The medium accepted the first `accepted` messages
    /// of the link completely.
    pub(crate) fn link_lost(&mut self, accepted: u64) {
        self.lose_calls(accepted, self.sent);
    }

    /// Records that the last `unsent` messages that were taken out of the outbox will be passed to no link.
    pub(crate) fn take_back(&mut self, unsent: usize) {
        let given = self.sent - unsent as u64 - self.before_link;
        self.lose_calls(given, self.sent);
    }

    fn lose_calls(&mut self, accepted: u64, given: u64) {
        for id in self.lost_calls(accepted, given) {
            if let Some(call) = self.calls.open_mut(id) {
                call.place = MessageState::Lost;
            }
        }
    }

    /// Returns the calls whose requests were passed to the link, before message `given`, and not accepted.
    fn lost_calls(&mut self, accepted: u64, given: u64) -> Vec<u64> {
        let lost = self.before_link.saturating_add(accepted)..given;
        let mut ids = self.calls.open_ids();
        ids.retain(|id| {
            let call = self.calls.open_mut(*id);
            call.is_some_and(|call| {
                matches!(call.place, MessageState::InFlight(number) if lost.contains(&number))
            })
        });
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, fate, next, protocol, receive};
    use super::*;

    #[test]
    fn a_lost_link_fails_the_calls_that_it_lost_and_no_others() {
        let mut protocol = protocol(|limits| limits.calls_on_wire = 4);
        let calls = ["accepted", "lost", "taken out", "queued", "parked"];
        let [accepted, lost, taken_out, queued, parked] =
            calls.map(|text| call(&mut protocol, text));
        (0..3).for_each(|_| _ = next(&mut protocol));
        protocol.detach(1, 1, &CloseReason::link("lost"));
        assert_eq!(fate(&mut protocol, lost), Fate::NotSent);
        assert_eq!((protocol.on_wire, protocol.pending()), (4, 4), "a parked call has its place");

        protocol.attach(1);
        // The message that was taken out of the outbox is the first message of this link.
        (0..2).for_each(|_| _ = next(&mut protocol));
        for id in [accepted, taken_out] {
            receive(&mut protocol, &format!(r#"{{"id":{id},"result":1}}"#));
        }
        assert_eq!(protocol.pending(), 2);
        protocol.link_lost(2);
        protocol.end(&CloseReason::link("lost"));
        let fates = [queued, parked].map(|id| fate(&mut protocol, id));
        assert_eq!(fates, [Fate::MaybeExecuted, Fate::NotSent]);
    }
}
