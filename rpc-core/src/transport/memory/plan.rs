//! What is to go wrong in one direction of a pipe.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Direction, End};
use crate::util::clock::Clock;
use crate::util::runtime::Instant;

/// The faults of one direction, and what these faults depend on.
pub(super) struct Plan {
    pub(super) is_cut: bool,
    pub(super) is_stalled: bool,
    pub(super) delay: Duration,
    /// So many of the next messages vanish.
    pub(super) drops: u64,
    /// The link breaks at this byte of what is read.
    pub(super) cut_at: u64,
    /// The link breaks at this byte of what is sent.
    pub(super) cut_sending_at: u64,
    /// Bytes that the receiver has read.
    delivered: u64,
    /// Bytes that the medium has taken.
    taken: u64,
    /// When each message of the direction arrives. `None` is at once.
    arrivals: VecDeque<Option<Instant>>,
    end_arrives: Option<Instant>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            is_cut: false,
            is_stalled: false,
            delay: Duration::ZERO,
            drops: 0,
            cut_at: u64::MAX,
            cut_sending_at: u64::MAX,
            delivered: 0,
            taken: 0,
            arrivals: VecDeque::new(),
            end_arrives: None,
        }
    }
}

impl Plan {
    /// When something arrives that is sent now.
    fn arrival(&self) -> Option<Instant> {
        (!self.delay.is_zero()).then(|| Clock::start().instant(self.delay))
    }

    /// Whether the link breaks now, by the bytes that were read or sent.
    pub(super) fn breaks(&self) -> bool {
        // What is sent may fill the medium up to the byte: the message that has the byte is still to come.
        self.delivered >= self.cut_at || self.taken > self.cut_sending_at
    }
}

/// What keeps a reader from what is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Stalled,
    Until(Instant),
}

/// What becomes of a message that is sent.
pub(super) enum Sent {
    Arrives,
    Dropped,
    Breaks,
}

impl Direction {
    /// Loses what is on its way, and ends the direction for both ends. The ends are to be told, without the lock.
    pub(super) fn cut(&mut self) {
        self.plan.is_cut = true;
        self.plan.arrivals.clear();
        self.messages.clear();
        self.bytes = 0;
        self.end = Some(End::Gone);
        self.deaf = true;
    }

    /// What keeps the reader from the next message, or from the end if there is no message.
    pub(super) fn hold(&self) -> Option<Hold> {
        match self.plan.arrivals.front() {
            Some(arrival) => self.hold_until(*arrival),
            None => self.hold_until(self.plan.end_arrives),
        }
    }

    /// Whether the other end cannot know yet that the direction has ended.
    pub(super) fn holds_end(&self) -> bool {
        self.hold_until(self.plan.end_arrives).is_some()
    }

    fn hold_until(&self, arrival: Option<Instant>) -> Option<Hold> {
        if self.plan.is_cut {
            return None;
        }
        if self.plan.is_stalled {
            return Some(Hold::Stalled);
        }
        arrival.filter(|arrival| *arrival > Instant::now()).map(Hold::Until)
    }

    /// Whether the next message has the byte at which the link breaks: half a message is none.
    pub(super) fn breaks_within_next(&self) -> bool {
        let next = self.messages.front().map_or(0, |message| message.len() as u64);
        self.plan.delivered + next > self.plan.cut_at
    }

    /// Notes that a message of so many bytes was read. Returns whether the link breaks behind the message.
    pub(super) fn plan_delivered(&mut self, bytes: usize) -> bool {
        self.plan.arrivals.pop_front();
        self.plan.delivered += bytes as u64;
        self.plan.breaks()
    }

    /// Decides about a message of so many bytes that is to be sent.
    pub(super) fn plan_sent(&mut self, bytes: usize) -> Sent {
        let plan = &mut self.plan;
        let taken = plan.taken + bytes as u64;
        if taken > plan.cut_sending_at {
            return Sent::Breaks;
        }
        plan.taken = taken;
        if plan.drops > 0 {
            plan.drops -= 1;
            return Sent::Dropped;
        }
        plan.arrivals.push_back(plan.arrival());
        Sent::Arrives
    }

    /// Notes when the end arrives, the first one.
    pub(super) fn plan_end(&mut self) {
        if self.end.is_none() {
            self.plan.end_arrives = self.plan.arrival();
        }
    }
}
