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

    /// Returns whether items of so many bytes overdraw nothing.
    pub(super) fn has_left(&self, bytes: usize) -> bool {
        self.used + bytes <= self.window
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.consumed += bytes;
    }

    /// Returns whether there is enough to grant.
    pub(super) fn is_due(&self) -> bool {
        self.consumed >= self.least.div_ceil(2).max(self.window / PART)
    }

    /// Returns whether there is anything to grant.
    pub(super) fn has_any(&self) -> bool {
        self.consumed > 0
    }

    /// Takes the credit to grant, which may be none, or this `least` if anything was consumed. The window grows by as
    /// much as `lend` returns of what is wanted.
    pub(super) fn grant(
        &mut self,
        now: Duration,
        round_trip: Option<Duration>,
        least: usize,
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
        let less = consumed.saturating_sub(least).min(self.window - self.target);
        self.window -= less;
        consumed - less + more
    }

    /// Returns whether the last grant completed half of the window, so that the round trip decides about the window.
    pub(super) fn asks_round_trip(&self) -> bool {
        self.pace.is_at_half()
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
        credit.grant(*now, Some(LONG), 0, |wanted| wanted.min(room))
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
        assert_eq!((credit.grant(now, None, 0, |wanted| wanted), credit.window()), (500, 1000));
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

    /// Consumes 500 bytes after another five round trips. Returns what is granted: no less than `least`.
    fn small_part(credit: &mut Credit, now: &mut Duration, least: usize) -> usize {
        credit.spend(500);
        credit.consume(500);
        *now += 5 * LONG;
        credit.grant(*now, Some(LONG), least, |_| 0)
    }

    #[test]
    fn who_asks_for_credit_gets_some_while_all_else_is_kept_back() {
        let (mut credit, mut now) = (Credit::new(1000), Duration::ZERO);
        for _ in 0..3 {
            half(&mut credit, &mut now, LONG, 9000);
        }
        let granted = [(); 8].map(|()| small_part(&mut credit, &mut now, 1));
        assert_eq!(granted, [500, 500, 500, 1, 1, 1, 1, 496]);
        assert_eq!(credit.window(), 2000);
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
            granted.push(credit.grant(now, Some(LONG), 0, |_| 0));
        }
        assert_eq!(granted, [500, 500, 500, 0, 0, 0, 0, 500, 500, 500]);
        assert_eq!(credit.window(), 2000);
    }
}
