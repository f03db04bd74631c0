//! How many messages of the other end this end has taken in, over all links of a session, and when this end says so.

use std::time::Duration;

use crate::protocol::tables::outbox::OVERHEAD;

/// The count of the messages that were taken in. A message is taken in when it was read whole and has had its effect
/// on the tables of this end.
#[derive(Debug)]
pub(crate) struct Receipts {
    received: u64,
    /// The memory that those take at the other end of which it was not told.
    untold: usize,
    /// When the first of those came.
    since: Option<Duration>,
    /// At how much memory the other end is told.
    quarter: usize,
    /// Whether the other end is told at once.
    is_owed: bool,
}

impl Receipts {
    /// Begins to count. The other end keeps `buffer` bytes before its senders wait.
    pub(crate) fn new(buffer: usize) -> Self {
        let quarter = buffer / 4;
        Self { received: 0, untold: 0, since: None, quarter, is_owed: false }
    }

    /// Returns how many messages were taken in.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// The other end keeps `buffer` bytes from now on.
    pub(crate) fn set_buffer(&mut self, buffer: usize) {
        self.quarter = buffer / 4;
    }

    /// Counts messages that were taken in, with their text of `bytes` together.
    pub(crate) fn take_in(&mut self, messages: u64, bytes: usize, now: Duration) {
        if messages > 0 {
            self.received += messages;
            self.untold += bytes + OVERHEAD * messages as usize;
            self.since.get_or_insert(now);
        }
    }

    /// The other end is to be told at once, even if there is nothing new.
    pub(crate) fn owe(&mut self) {
        self.is_owed = true;
    }

    /// Returns whether the other end is to be told now: at a quarter of its buffer, or `after` the first message of
    /// which it was not told.
    pub(crate) fn is_due(&self, now: Duration, after: Duration) -> bool {
        self.is_owed
            || self.untold >= self.quarter
            || self.since.is_some_and(|since| now >= since + after)
    }

    /// Returns when the other end is to be told at the latest.
    pub(crate) fn due(&self, after: Duration) -> Option<Duration> {
        self.since.map(|since| since + after)
    }

    /// Returns the count, of which the other end is told now.
    pub(crate) fn tell(&mut self) -> u64 {
        (self.untold, self.since, self.is_owed) = (0, None, false);
        self.received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_other_end_is_told_at_a_quarter_of_its_buffer_and_after_a_time() {
        let mut receipts = Receipts::new(4 * (2 * OVERHEAD + 10_000));
        assert!(!receipts.is_due(at(9), AFTER), "there is nothing to tell");
        receipts.take_in(1, 9_999, at(10));
        assert_eq!((receipts.is_due(at(14), AFTER), receipts.due(AFTER)), (false, Some(at(15))));
        receipts.take_in(0, 0, at(11));
        assert!(receipts.is_due(at(15), AFTER));
        receipts.take_in(1, 1, at(12));
        assert!(receipts.is_due(at(12), AFTER));
        assert_eq!((receipts.tell(), receipts.received(), receipts.due(AFTER)), (2, 2, None));
        assert!(!receipts.is_due(at(60), AFTER));
    }

    #[test]
    fn a_token_is_answered_at_once_and_short_messages_are_not_for_free() {
        let mut receipts = Receipts::new(4096);
        receipts.owe();
        assert!(receipts.is_due(at(0), AFTER));
        assert_eq!(receipts.tell(), 0);
        receipts.take_in((4096 / 4 / OVERHEAD) as u64, 0, at(0));
        assert!(
            receipts.is_due(at(0), AFTER),
            "each message counts as some bytes more than its text"
        );
    }
}
