//! Which messages the browser has sent. It tells only how many bytes wait.

use std::collections::VecDeque;

/// The messages that a WebSocket was given.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// How many bytes were given.
    given: u64,
    /// For each message that may wait: how many bytes were given up to its end.
    ends: VecDeque<u64>,
    sent: u64,
}

impl Unsent {
    /// Notes a WebSocket message that holds `messages` messages.
    pub(super) fn add(&mut self, bytes: usize, messages: usize) {
        self.given += bytes as u64;
        self.ends.extend(std::iter::repeat_n(self.given, messages));
    }

    /// Notes that so many bytes wait.
    pub(super) fn wait(&mut self, bytes: u32) {
        let sent = self.given.saturating_sub(u64::from(bytes));
        while self.ends.front().is_some_and(|end| *end <= sent) {
            self.ends.pop_front();
            self.sent += 1;
        }
    }

    /// Returns how many messages were sent to their last byte.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sent_when_none_of_its_bytes_waits() {
        let mut unsent = Unsent::default();
        unsent.add(10, 1);
        unsent.add(30, 2);
        for (waits, sent) in [(40, 0), (31, 0), (30, 1), (1, 1), (0, 3)] {
            unsent.wait(waits);
            assert_eq!(unsent.sent(), sent, "{waits}");
        }
    }
}
