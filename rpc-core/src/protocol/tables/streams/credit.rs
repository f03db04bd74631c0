//! The credit of a stream that this end takes: how much more the other end may send.
//!
//! The window is what may be on its way or wait here. The other end gets credit again for what was consumed. So a window
//! below the bytes that one round trip holds makes the stream wait for its credit, and each window begins small. How long
//! it took until half of the window was consumed tells which window the stream needs: a taker who is quick, as seen from
//! the round trip, doubles the window, and one who is slow halves it.

use std::time::Duration;

/// The window doubles if half of it was consumed within so many round trips. Then a window that no longer doubles holds
/// at least the bytes of four round trips: credit is back long before the other end has used up what it has.
const QUICK: u32 = 2;

/// The window halves if that took longer than so many round trips, and longer than `SLOW`.
const LATE: u32 = 16;

/// Credit is granted for this part of the window, but for no less than half of the first window: a large window would
/// else be half empty before its credit is back.
const PART: usize = 8;

/// Below this time a pause says nothing about the taker.
const SLOW: Duration = Duration::from_millis(200);

/// The credit that the other end was granted.
#[derive(Debug)]
pub(super) struct Credit {
    /// The window at the beginning, which is the least.
    least: usize,
    window: usize,
    /// The bytes of the window that items have used.
    used: usize,
    /// The used bytes that were consumed here and may be granted again.
    consumed: usize,
    /// What was consumed since the window was last looked at, and when that was.
    since: (usize, Option<Duration>),
}

impl Credit {
    pub(super) fn new(window: usize) -> Self {
        Self { least: window, window, used: 0, consumed: 0, since: (0, None) }
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

    /// Takes the credit to grant. The window may become `most` bytes.
    pub(super) fn grant(
        &mut self,
        now: Duration,
        round_trip: Option<Duration>,
        most: usize,
    ) -> usize {
        let consumed = std::mem::take(&mut self.consumed);
        self.used -= consumed;
        let before = self.window;
        self.since.0 += consumed;
        if self.since.0 >= before.div_ceil(2) {
            let (_, since) = std::mem::replace(&mut self.since, (0, Some(now)));
            if let (Some(since), Some(round_trip)) = (since, round_trip) {
                self.resize(now.saturating_sub(since), round_trip, most, consumed);
            }
        }
        (consumed + self.window).saturating_sub(before)
    }

    /// Half of the window was consumed in the time that it `took`, `consumed` of it since credit was granted last.
    fn resize(&mut self, took: Duration, round_trip: Duration, most: usize, consumed: usize) {
        if took < round_trip * QUICK {
            self.window = self.window.max(most.min(self.window.saturating_mul(2)));
        } else if took > SLOW.max(round_trip * LATE) {
            // No more than is given back now: what was granted cannot be taken away.
            let half = (self.window / 2).max(self.least);
            self.window = half.max(self.window.saturating_sub(consumed - 1));
        }
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
        credit.grant(*now, Some(LONG), most)
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
        assert_eq!((credit.grant(now, None, 9000), credit.window()), (500, 1000));
    }

    #[test]
    fn the_window_of_a_slow_taker_halves_and_never_below_the_first_one() {
        let (mut credit, mut now) = (Credit::new(1000), Duration::ZERO);
        for _ in 0..3 {
            half(&mut credit, &mut now, LONG, 9000);
        }
        assert_eq!(credit.window(), 4000);
        assert_eq!(half(&mut credit, &mut now, 17 * LONG, 9000), 1, "the rest is kept back");
        assert_eq!(credit.window(), 2001);
        half(&mut credit, &mut now, 17 * LONG, 9000);
        half(&mut credit, &mut now, 17 * LONG, 9000);
        assert_eq!((credit.window(), credit.lent()), (1000, 0));
        assert_eq!(half(&mut credit, &mut now, 17 * LONG, 9000), 500);
    }
}
