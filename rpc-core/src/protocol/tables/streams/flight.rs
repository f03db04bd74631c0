//! The items of one stream that are on their way: sent, and not consumed at the other end as far as this end knows.
//!
//! Some items ask for credit as soon as they are consumed (`"ack":true`), and the credit tells the number of the item
//! that was consumed last (`seq`). Whatever the bound, an item may leave when none is asked about: so a bound that
//! becomes less never leaves a stream without an answer to wait for.

use std::collections::VecDeque;
use std::time::Duration;

use super::fresh::{Fresh, Sample};

/// Items ask for credit after this part of the bound: else there would be as many credits as items on a quick stream.
const PART: usize = 8;

/// When no item asks, the next one that asks comes after this part of the bound.
const HALF: usize = 2;

/// The bound of the items of a stream that are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InFlight {
    /// This number of items.
    Items(usize),
    /// As many as a taker needs to get each item fresh and without a wait.
    Fresh,
}

/// The items on their way.
#[derive(Debug)]
pub(super) struct Flight {
    most: Most,
    /// Whether the other end answers items that ask. If it does not, its window alone bounds the stream.
    is_answered: bool,
    sent: u64,
    consumed: u64,
    /// The items that ask and were not answered, in order.
    asking: VecDeque<Asking>,
}

#[derive(Debug)]
enum Most {
    Items(usize),
    Fresh(Fresh),
}

#[derive(Debug)]
struct Asking {
    /// The number that the other end knows it by.
    seq: u64,
    /// How many items were sent with this one.
    sent: u64,
    at: Duration,
    on_way: usize,
}

impl Flight {
    pub(super) fn new(bound: InFlight, is_answered: bool) -> Self {
        let most = match bound {
            InFlight::Items(most) => Most::Items(most),
            InFlight::Fresh => Most::Fresh(Fresh::new()),
        };
        Self { most, is_answered, sent: 0, consumed: 0, asking: VecDeque::new() }
    }

    /// Returns whether an item may leave, while so many items with different keys wait.
    pub(super) fn has_room(&mut self, waiting: usize) -> bool {
        if let Most::Fresh(fresh) = &mut self.most {
            fresh.wait(waiting);
        }
        !self.is_full()
    }

    /// Returns whether no item may leave.
    pub(super) fn is_full(&self) -> bool {
        self.is_answered && !self.asking.is_empty() && self.on_way() >= self.most()
    }

    /// Returns whether the next item asks for credit.
    pub(super) fn asks(&self) -> bool {
        let part = (self.most() / PART).max(1) as u64;
        match self.asking.back() {
            // The last one for which there is room shows whether there should be more room.
            Some(last) => {
                let is_last = self.on_way() + 1 >= self.most();
                self.is_answered && (is_last || self.sent + 1 >= last.sent + part)
            }
            // A taker that is known asks for few credits: each is a message that both ends carry.
            None => !self.is_known() || self.on_way() + 1 >= self.most().div_ceil(HALF),
        }
    }

    /// Returns whether the other end has answered an item that asked.
    fn is_known(&self) -> bool {
        self.is_answered && self.consumed > 0
    }

    /// An item with this number is sent.
    pub(super) fn send(&mut self, seq: u64, now: Duration) {
        let asks = self.asks();
        self.sent += 1;
        if asks {
            let (sent, on_way) = (self.sent, self.on_way());
            self.asking.push_back(Asking { seq, sent, at: now, on_way });
        }
    }

    /// Credit has come, which may tell the number of the item that was consumed last.
    pub(super) fn consumed(&mut self, seq: Option<u64>, now: Duration) {
        let Some(seq) = seq else { return };
        self.is_answered = true;
        let mut last = None;
        while self.asking.front().is_some_and(|asking| asking.seq <= seq) {
            last = self.asking.pop_front();
        }
        let Some(last) = last else { return };
        self.consumed = last.sent;
        if let Most::Fresh(fresh) = &mut self.most {
            let took = now.saturating_sub(last.at);
            fresh.consumed(Sample { took, on_way: last.on_way }, now);
        }
    }

    fn on_way(&self) -> usize {
        usize::try_from(self.sent - self.consumed).unwrap_or(usize::MAX)
    }

    fn most(&self) -> usize {
        match &self.most {
            Most::Items(most) => *most,
            Most::Fresh(fresh) => fresh.most(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const ZERO: Duration = Duration::ZERO;

    #[test]
    fn no_more_than_the_bound_is_on_its_way() {
        let mut flight = Flight::new(InFlight::Items(2), true);
        for seq in 1..=2 {
            assert!(flight.has_room(0) && flight.asks());
            flight.send(seq, ZERO);
        }
        assert!(!flight.has_room(0));
        flight.consumed(Some(1), ZERO);
        assert!(flight.has_room(0));
        flight.send(3, ZERO);
        assert!(!flight.has_room(0));
        flight.consumed(None, ZERO);
        assert!(!flight.has_room(0), "that tells nothing of items");
        flight.consumed(Some(3), ZERO);
        assert_eq!(flight.on_way(), 0);
    }

    #[test]
    fn numbers_that_were_never_sent_are_not_on_their_way() {
        let mut flight = Flight::new(InFlight::Items(2), true);
        flight.send(500, ZERO);
        assert!(flight.has_room(0), "499 items were dropped here");
        flight.send(900, ZERO);
        flight.consumed(Some(500), ZERO);
        assert_eq!(flight.on_way(), 1);
        flight.consumed(Some(u64::MAX), ZERO);
        assert_eq!(flight.on_way(), 0, "whatever it says");
    }

    /// A peer that gives credit by bytes alone would never let the stream go on.
    #[test]
    fn an_end_that_does_not_answer_is_not_waited_for_until_it_does() {
        let mut flight = Flight::new(InFlight::Items(1), false);
        for seq in 1..=1000 {
            assert!(flight.has_room(0));
            assert_eq!(flight.asks(), seq == 1, "once, to find out");
            flight.send(seq, ZERO);
            flight.consumed(None, ZERO);
        }
        assert_eq!(flight.asking.len(), 1);
        flight.consumed(Some(1), ZERO);
        assert!(flight.has_room(0), "nothing is asked about");
        flight.send(1001, ZERO);
        assert!(!flight.has_room(0));
        flight.consumed(Some(1001), ZERO);
        assert!(flight.has_room(0));
    }

    #[test]
    fn a_quick_stream_asks_for_few_credits() {
        let mut flight = Flight::new(InFlight::Items(80), true);
        let asked = (1..=79).filter(|seq| {
            let asks = flight.asks();
            flight.send(*seq, ZERO);
            asks
        });
        assert_eq!(asked.count(), 8);
        assert!(flight.asks(), "it is the last one");
    }

    proptest! {
        /// Against a plain line of items of which each is sent, and consumed in order: the bound holds, and whenever no
        /// item may leave, an item on its way has asked.
        #[test]
        fn a_full_stream_always_has_an_answer_to_wait_for(
            most in prop_oneof![Just(None), (1..100usize).prop_map(Some)],
            steps in vec((any::<bool>(), 1..5u64, 0..50u64, 0..40usize), 0..300),
        ) {
            let bound = most.map_or(InFlight::Fresh, InFlight::Items);
            let (mut flight, mut now) = (Flight::new(bound, true), Duration::ZERO);
            let mut line = VecDeque::new();
            let mut seq = 0;
            for (sends, count, ms, waiting) in steps {
                now += Duration::from_millis(ms);
                for _ in 0..count {
                    if sends {
                        if !flight.has_room(waiting) {
                            prop_assert!(line.iter().any(|(_, asks)| *asks), "nobody would go on");
                            continue;
                        }
                        seq += count;
                        line.push_back((seq, flight.asks()));
                        flight.send(seq, now);
                        prop_assert!(most.is_none_or(|most| line.len() <= most));
                    } else if let Some((seq, true)) = line.pop_front() {
                        flight.consumed(Some(seq), now);
                    }
                }
                prop_assert!(flight.on_way() >= line.len());
            }
        }
    }
}
