//! The messages of a session that this end has sent and the other end has not acknowledged.
//!
//! Both ends count the messages of a session from 1, over all links of the session, and no message says its number:
//! each link is ordered. What has a number is never changed, removed or overtaken. When another link takes the place of
//! a lost one, the other end says how many messages it has taken in, and all later ones are sent again.
//!
//! A link also carries messages that do not count, such as acknowledgements. The table knows their places, so that the
//! number of messages that the medium accepted can be turned into the number of the last counted message among them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::tables::outbox::OVERHEAD;

/// A message whose text is counted.
pub(crate) trait Text {
    /// Returns the length of the text, in bytes.
    fn len(&self) -> usize;
}

/// The other end claims to have taken in messages that no link was given, or fewer than it has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FalseCount;

/// What an acknowledgement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// More than the one before: messages were let go.
    More,
    /// The same as the one before.
    Same,
    /// Less than the one before.
    Less,
}

/// The unacknowledged messages of one session, in order.
#[derive(Debug)]
pub(crate) struct ReplayQueue<M> {
    /// The messages that a link was given, behind the acknowledged ones.
    kept: VecDeque<M>,
    bytes: usize,
    acknowledged: u64,
    /// How many numbered messages wait outside to be given to this link, behind `kept`.
    to_replay: u64,
    /// The number of the last message that some link accepted to the last byte.
    accepted: u64,
    /// The last number. It must be acknowledged within a limit after this time.
    mark: Option<(u64, Duration)>,
    link: Places,
}

/// The places of messages on the current link.
#[derive(Debug, Default)]
struct Places {
    /// How many messages the link was given before the first one of the session.
    offset: u64,
    /// How many messages of the session the link was given, with those that do not count.
    given: u64,
    /// The number behind which the numbers of this link begin.
    base: u64,
    /// The places of the messages that do not count and are not known to be accepted.
    uncounted: VecDeque<u64>,
    /// How many messages before those do not count.
    passed: u64,
}

impl Places {
    /// Returns the number of the last counted message among the first `accepted` messages of the link.
    fn number(&mut self, accepted: u64) -> u64 {
        let accepted = accepted.saturating_sub(self.offset).min(self.given);
        while self.uncounted.front().is_some_and(|place| *place < accepted) {
            self.uncounted.pop_front();
            self.passed += 1;
        }
        self.base + accepted.saturating_sub(self.passed)
    }
}

impl<M: Text> ReplayQueue<M> {
    /// Begins a session on a link that was given `offset` messages before.
    pub(crate) fn new(offset: u64) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            acknowledged: 0,
            to_replay: 0,
            accepted: 0,
            mark: None,
            link: Places { offset, ..Places::default() },
        }
    }

    /// Returns the number of the last message that has a number.
    #[cfg(test)]
    pub(crate) fn last(&self) -> u64 {
        self.last_given() + self.to_replay
    }

    /// Returns the number of the last message that this link was given.
    fn last_given(&self) -> u64 {
        self.acknowledged + self.kept.len() as u64
    }

    /// Returns how many messages the other end has acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Returns the memory of the messages that are kept: their text, and an overhead for each message.
    pub(crate) fn takes(&self) -> usize {
        self.bytes + OVERHEAD * self.kept.len()
    }

    /// Keeps a message that the link is given now. Returns its number if the message is new, and `None` if the message
    /// is sent again.
    pub(crate) fn push(&mut self, message: M) -> Option<u64> {
        self.bytes += message.len();
        self.kept.push_back(message);
        self.link.given += 1;
        if self.to_replay > 0 {
            self.to_replay -= 1;
            return None;
        }
        Some(self.last_given())
    }

    /// Takes note that the link is given a message that does not count.
    pub(crate) fn push_uncounted(&mut self) {
        self.link.uncounted.push_back(self.link.given);
        self.link.given += 1;
    }

    /// The other end has taken in the first `n` messages.
    ///
    /// # Errors
    /// The link was not given as many.
    pub(crate) fn acknowledge(&mut self, n: u64) -> Result<Acknowledged, FalseCount> {
        if n > self.last_given() {
            return Err(FalseCount);
        }
        if n <= self.acknowledged {
            return Ok(if n == self.acknowledged {
                Acknowledged::Same
            } else {
                Acknowledged::Less
            });
        }
        let count = usize::try_from(n - self.acknowledged).unwrap_or(usize::MAX);
        // Messages are dropped where they lie: to take each one out costs more than to drop it.
        self.bytes -= self.kept.range(..count).map(Text::len).sum::<usize>();
        self.kept.drain(..count);
        self.acknowledged = n;
        self.accepted = self.accepted.max(n);
        if self.mark.is_some_and(|(last, _)| last <= n) {
            self.mark = None;
        }
        Ok(Acknowledged::More)
    }

    /// Takes note of how many messages of this link the medium accepted to the last byte.
    pub(crate) fn on_accepted(&mut self, of_link: u64) {
        self.accepted = self.accepted.max(self.link.number(of_link));
    }

    /// Lets go the messages that the medium accepted, if the other end acknowledges nothing.
    pub(crate) fn forget_accepted(&mut self) {
        let accepted = self.accepted.min(self.last_given());
        let _is_never_false = self.acknowledge(accepted);
    }

    /// Returns whether the other end certainly has not taken in the message with this number. `received` is how many
    /// messages the other end says to have taken in, if it says so at the end of the session.
    pub(crate) fn is_not_taken_in(&self, number: u64, received: Option<u64>) -> bool {
        number > self.accepted || received.is_some_and(|received| number > received)
    }

    /// Looks at the clock. Returns since when a message waits for its acknowledgement; that time may be earlier than
    /// the message was sent, by at most the time between two looks.
    pub(crate) fn unacknowledged_since(&mut self, now: Duration) -> Option<Duration> {
        if self.mark.is_none() && !self.kept.is_empty() {
            self.mark = Some((self.last_given(), now));
        }
        self.mark.map(|(_, since)| since)
    }

    /// Returns since when a message waits for its acknowledgement, as of the last look at the clock.
    pub(crate) fn marked_since(&self) -> Option<Duration> {
        self.mark.map(|(_, since)| since)
    }

    /// Gives the other end more time to acknowledge.
    pub(crate) fn put_off(&mut self, late: Duration) {
        if let Some((_, since)) = &mut self.mark {
            *since += late;
        }
    }

    /// Begins another link. The other end has taken in `received` messages. Returns the later messages, in order:
    /// they must be given to the link before all others.
    ///
    /// # Errors
    /// The count is false. Nothing has changed then.
    pub(crate) fn begin_link(&mut self, received: u64) -> Result<VecDeque<M>, FalseCount> {
        if self.acknowledge(received)? == Acknowledged::Less {
            return Err(FalseCount);
        }
        self.link = Places { base: self.acknowledged, ..Places::default() };
        self.mark = None;
        self.bytes = 0;
        let again = std::mem::take(&mut self.kept);
        self.to_replay += again.len() as u64;
        Ok(again)
    }

    /// Ends the session. Returns the number of the first message that is kept, the messages from there on that a link
    /// was given, and how many numbered messages behind them were given to no link again.
    pub(crate) fn end(&mut self) -> (u64, VecDeque<M>, u64) {
        (self.acknowledged + 1, std::mem::take(&mut self.kept), self.to_replay)
    }

    /// Gives back the memory that a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.kept.is_empty() && self.kept.capacity() > 0 {
            self.kept = VecDeque::new();
        }
        if self.link.uncounted.is_empty() && self.link.uncounted.capacity() > 0 {
            self.link.uncounted = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    impl Text for &str {
        fn len(&self) -> usize {
            str::len(self)
        }
    }

    fn sent(count: usize) -> ReplayQueue<&'static str> {
        let mut queue = ReplayQueue::new(0);
        (0..count).for_each(|at| assert_eq!(queue.push("four"), Some(at as u64 + 1)));
        queue
    }

    #[test]
    fn an_acknowledgement_lets_go_and_a_false_one_changes_nothing() {
        let mut queue = sent(3);
        assert_eq!(queue.takes(), 3 * (4 + OVERHEAD));
        assert_eq!(queue.acknowledge(2), Ok(Acknowledged::More));
        assert_eq!(
            (queue.acknowledge(2), queue.acknowledge(1)),
            (Ok(Acknowledged::Same), Ok(Acknowledged::Less))
        );
        assert_eq!(
            (queue.acknowledge(4), queue.takes(), queue.last()),
            (Err(FalseCount), 4 + OVERHEAD, 3)
        );
    }

    #[test]
    fn another_link_is_given_what_was_not_taken_in_and_the_numbers_stay() {
        let mut queue = sent(3);
        assert_eq!(queue.begin_link(4), Err(FalseCount));
        assert_eq!(queue.begin_link(1), Ok(VecDeque::from(["four"; 2])));
        assert_eq!((queue.last(), queue.takes()), (3, 0));
        queue.push_uncounted();
        assert_eq!((queue.push("2"), queue.push("3"), queue.push("4")), (None, None, Some(4)));
    }

    /// The second link was given only a part of what is to be sent again.
    #[test]
    fn a_link_that_is_lost_in_the_middle_of_the_replay_costs_nothing() {
        let mut queue = sent(3);
        assert_eq!(queue.begin_link(0).map(|again| again.len()), Ok(3));
        queue.push("1");
        assert_eq!(queue.acknowledge(2), Err(FalseCount), "the link was given one message");
        assert_eq!(queue.begin_link(1), Ok(VecDeque::new()), "the other two wait outside");
        assert_eq!((queue.push("2"), queue.push("3"), queue.push("4")), (None, None, Some(4)));
    }

    #[test]
    fn what_the_medium_accepted_is_counted_without_what_does_not_count() {
        let mut queue = ReplayQueue::new(2);
        queue.push_uncounted();
        queue.push("1");
        queue.push_uncounted();
        queue.push("2");
        for (of_link, accepted) in [(2, 0), (3, 0), (4, 1), (5, 1), (6, 2), (u64::MAX, 2)] {
            queue.on_accepted(of_link);
            assert_eq!(queue.accepted, accepted, "{of_link}");
        }
        assert!(queue.is_not_taken_in(3, None) && !queue.is_not_taken_in(2, None));
        assert!(queue.is_not_taken_in(2, Some(1)));
        queue.forget_accepted();
        assert_eq!((queue.takes(), queue.last()), (0, 2));
    }

    #[test]
    fn the_wait_for_an_acknowledgement_begins_with_the_first_look_behind_the_one_before() {
        let [one, two, three] = [1, 2, 3].map(Duration::from_secs);
        let mut queue = ReplayQueue::new(0);
        assert_eq!(queue.unacknowledged_since(one), None);
        queue.push("1");
        assert_eq!(queue.unacknowledged_since(one), Some(one));
        queue.push("2");
        assert_eq!(queue.unacknowledged_since(two), Some(one));
        queue.acknowledge(1).unwrap();
        assert_eq!(queue.unacknowledged_since(three), Some(three));
        queue.acknowledge(2).unwrap();
        assert_eq!((queue.unacknowledged_since(three), queue.marked_since()), (None, None));
    }
}
