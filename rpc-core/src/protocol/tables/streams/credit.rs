//! The credit of a stream that this end takes: how much more the other end may send.
//!
//! The window is what may be on its way or wait here. The other end gets credit again for what was consumed. The
//! [`Pace`] of that tells which window the stream needs.

use std::time::Duration;

use crate::protocol::tables::pace::{Pace, Verdict};

/// Credit is granted for this part of the window, but for no less than half of the first window: a large window would
/// else be half empty before its credit is back.
const PART: usize = 8;

/// The credit that the other end was granted.
#[derive(Debug)]
pub(super) struct Credit {
    /// The window at the beginning, which is the least.
    least: usize,
    window: usize,
    /// What the window shrinks to as its bytes are consumed: what was granted cannot be taken away.
    target: usize,
    /// The bytes of the window that items have used.
    used: usize,
    /// The used bytes that were consumed here and may be granted again.
    consumed: usize,
    pace: Pace,
}

impl Credit {
    pub(super) fn new(window: usize) -> Self {
        Self { least: window, window, target: window, used: 0, consumed: 0, pace: Pace::default() }
    }

    pub(super) fn least(&self) -> usize {
        self.least
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// Returns by how much the window has grown.
    pub(super) fn lent(&self) -> usize {
        self.window - self.least
    }

    /// An item has come. Returns whether it had credit. The last one may overdraw that.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        if self.used >= self.window {
            return false;
        }
        self.used += bytes;
        true
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.consumed += bytes;
    }

    /// Returns whether there is enough to grant.
    pub(super) fn is_due(&self) -> bool {
        self.consumed >= self.least.div_ceil(2).max(self.window / PART)
    }

    /// Takes the credit to grant, which may be none. The window grows by as much as `lend` returns of what is wanted.
    pub(super) fn grant(
        &mut self,
        now: Duration,
        round_trip: Option<Duration>,
        lend: impl FnOnce(usize) -> usize,
    ) -> usize {
        let consumed = std::mem::take(&mut self.consumed);
        self.used -= consumed;
        let mut more = 0;
        match self.pace.pass(consumed, self.window, now, round_trip) {
            Some(Verdict::Grow) => {
                more = lend(self.window);
                self.window += more;
                self.target = self.window;
            }
            Some(Verdict::Shrink) => self.target = (self.window / 2).max(self.least),
            None => {}
        }
        let less = consumed.min(self.window - self.target);
        self.window -= less;
        consumed - less + more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(100);

    /// Consumes half of the window `took` after the last grant. Returns what is granted.
    fn half(credit: &mut Credit, now: &mut Duration, took: Duration, most: usize) -> usize {
        let half = credit.window().div_ceil(2);
        assert!(credit.spend(half));
        credit.consume(half);
        assert!(credit.is_due());
        *now += took;
        let room = most.saturating_sub(credit.window());
        credit.grant(*now, Some(LONG), |wanted| wanted.min(room))
    }

    #[test]
    fn the_window_of_a_quick_taker_doubles_up_to_the_most() {
        let (mut credit, mut now) = (Credit::new(1000), Duration::ZERO);
        assert_eq!(half(&mut credit, &mut now, LONG, 7000), 500, "nothing is known yet");
        assert_eq!(half(&mut credit, &mut now, LONG, 7000), 500 + 1000);
        assert_eq!(half(&mut credit, &mut now, LONG, 7000), 1000 + 2000);
        assert_eq!(half(&mut credit, &mut now, LONG, 7000), 2000 + 3000);
        assert_eq!(half(&mut credit, &mut now, LONG, 7000), 3500);
        assert_eq!((credit.window(), credit.lent()), (7000, 6000));
        assert_eq!(
            half(&mut credit, &mut now, LONG, 2000),
            3500,
            "less for others takes nothing from this one"
        );
    }

    #[test]
    fn the_window_stays_when_it_holds_four_round_trips_and_when_no_round_trip_is_known() {
        let (mut credit, mut now) = (Credit::new(1000), Duration::ZERO);
        for _ in 0..5 {
            assert_eq!(half(&mut credit, &mut now, 2 * LONG, 9000), 500);
        }
        credit.spend(500);
        credit.consume(500);
        assert_eq!((credit.grant(now, None, |wanted| wanted), credit.window()), (500, 1000));
    }

    #[test]
    fn the_window_of_a_slow_taker_halves_and_never_below_the_first_one() {
        let (mut credit, mut now) = (Credit::new(1000), Duration::ZERO);
        for _ in 0..3 {
            half(&mut credit, &mut now, LONG, 9000);
        }
        assert_eq!(credit.window(), 4000);
        assert_eq!(half(&mut credit, &mut now, 17 * LONG, 9000), 0, "all is kept back");
        assert_eq!(credit.window(), 2000);
        half(&mut credit, &mut now, 17 * LONG, 9000);
        assert_eq!((credit.window(), credit.lent()), (1000, 0));
        assert_eq!(half(&mut credit, &mut now, 17 * LONG, 9000), 500);
    }

    /// Credit that is granted in small parts is kept back in small parts.
    #[test]
    fn a_large_window_shrinks_by_what_is_consumed() {
        let (mut credit, mut now) = (Credit::new(1000), Duration::ZERO);
        for _ in 0..3 {
            half(&mut credit, &mut now, LONG, 9000);
        }
        let mut granted = Vec::new();
        for _ in 0..10 {
            credit.spend(500);
            credit.consume(500);
            assert!(credit.is_due());
            now += 5 * LONG;
            granted.push(credit.grant(now, Some(LONG), |_| 0));
        }
        assert_eq!(granted, [500, 500, 500, 0, 0, 0, 0, 500, 500, 500]);
        assert_eq!(credit.window(), 2000);
    }
}
