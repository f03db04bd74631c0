//! Whether a window is large enough, as told by the time that half of it takes.
//!
//! A window is what may be on its way before the other end says that it has taken something. So a window below the
//! bytes that one round trip holds makes its sender wait, and each window begins small. A taker who is quick, as seen
//! from the round trip, needs a larger window, and one who is slow needs less.

use std::time::Duration;

/// The taker is quick if half of the window passed within so many round trips. Then a window that no longer doubles
/// holds at least the bytes of four round trips: news of what was taken is back long before the window is full.
const QUICK: u32 = 2;

/// The taker is slow if that took longer than so many round trips, and longer than `SLOW`.
const LATE: u32 = 16;

/// Below this time a pause says nothing about the taker.
const SLOW: Duration = Duration::from_millis(200);

/// How fast the bytes of one window pass.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When half of the window had passed the last time, and what passed since.
    seen: Option<Duration>,
    passed: usize,
}

/// What the window should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The taker is quick: double the window.
    Grow,
    /// The taker is slow: halve the window.
    Shrink,
}

impl Pace {
    /// Notes that bytes of the window were taken. Returns what the window should do, if it should change. That is asked
    /// once for each half of the window, and no answer is known before the second half and before the round trip.
    pub(crate) fn pass(
        &mut self,
        bytes: usize,
        window: usize,
        now: Duration,
        round_trip: Option<Duration>,
    ) -> Option<Verdict> {
        self.passed += bytes;
        if self.passed < window.div_ceil(2) {
            return None;
        }
        self.passed = 0;
        let took = now.saturating_sub(self.seen.replace(now)?);
        let round_trip = round_trip?;
        if took < round_trip * QUICK {
            Some(Verdict::Grow)
        } else if took > SLOW.max(round_trip * LATE) {
            Some(Verdict::Shrink)
        } else {
            None
        }
    }

    /// Returns whether the bytes noted last completed half of the window.
    pub(crate) fn is_at_half(&self) -> bool {
        self.passed == 0
    }
}

#[test]
fn half_of_a_window_within_two_round_trips_is_quick_and_beyond_sixteen_is_slow() {
    let ms = Duration::from_millis;
    let mut pace = Pace::default();
    assert_eq!(pace.pass(500, 1000, ms(0), Some(ms(100))), None, "nothing is known yet");
    assert!(pace.is_at_half());
    assert_eq!(pace.pass(499, 1000, ms(100), Some(ms(100))), None, "less than half");
    assert!(!pace.is_at_half());
    assert_eq!(pace.pass(1, 1000, ms(199), Some(ms(100))), Some(Verdict::Grow));
    assert_eq!(pace.pass(500, 1000, ms(399), Some(ms(100))), None, "two round trips");
    assert_eq!(pace.pass(500, 1000, ms(1999), Some(ms(100))), None, "sixteen round trips");
    assert_eq!(pace.pass(500, 1000, ms(3600), Some(ms(100))), Some(Verdict::Shrink));
    assert_eq!(pace.pass(500, 1000, ms(3750), Some(ms(1))), None, "a short pause");
    assert_eq!(pace.pass(500, 1000, ms(3750), None), None, "no round trip is known");
}
