//! How often the other end may do what an honest one hardly ever does.
//!
//! A rate is counted in windows of ten seconds, each of which begins with the first event after the
//! one before it. Across the border of two windows twice the rate may come in ten seconds: this is
//! to end floods, not to measure them, and a window that slides would have to know the time of each
//! event. One that begins by itself needs no timer, and nothing of a connection where nothing happens.

use std::time::Duration;

/// How long a window is.
const SECONDS: u32 = 10;

/// How many times as often as malformed messages foreign ones may come: the end that connects has asked
/// for the messages of the server.
const FOREIGN: usize = 10;

/// The events of one kind.
///
/// In whole seconds, and so in eight bytes: a window may be shorter by part of one, never longer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rate {
    /// The second in which the window ends.
    until: u32,
    /// The events that came in the window.
    count: u32,
}

impl Rate {
    /// Counts `more` events that come now. Returns whether more than `most` have come in this window.
    pub(crate) fn exceeds(&mut self, more: u32, now: Duration, most: usize) -> bool {
        let now = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        if now >= self.until {
            *self = Self { until: now.saturating_add(SECONDS), count: 0 };
        }
        self.count = self.count.saturating_add(more);
        self.count as usize > most
    }
}

/// Control frames that nobody asked for.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    /// The lower half of the total at the last look. Between two looks there are fewer than 2^32 control
    /// frames.
    seen: u32,
    rate: Rate,
}

impl Controls {
    /// Returns whether too many came. `total` counts all control frames until now.
    #[inline(always)] // one comparison for each turn of a connection
    pub(crate) fn exceed(&mut self, total: u64, now: Duration, most: usize) -> bool {
        total as u32 != self.seen && self.count(total as u32, now, most)
    }

    #[cold]
    fn count(&mut self, total: u32, now: Duration, most: usize) -> bool {
        let more = total.wrapping_sub(self.seen);
        self.seen = total;
        self.rate.exceeds(more, now, most)
    }
}

/// Messages that are wrong, or that concern nothing known.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    malformed: Rate,
    foreign: Rate,
    stray: Rate,
    /// Malformed messages since the rates were last looked at.
    new_malformed: u32,
    new_foreign: u32,
    new_stray: u32,
    /// How many of the malformed messages came before the batch that is being received.
    malformed_before: u32,
    foreign_before: u32,
    /// Unknown cancels and unsubscribes so far that were excused by a received request.
    cancels: u64,
    unsubscribes: u64,
}

impl Rates {
    pub(crate) fn malformed(&mut self) {
        self.new_malformed = self.new_malformed.saturating_add(1);
    }

    pub(crate) fn foreign(&mut self) {
        self.new_foreign = self.new_foreign.saturating_add(1);
    }

    pub(crate) fn stray(&mut self) {
        self.new_stray = self.new_stray.saturating_add(1);
    }

    /// The messages that come now are members of a batch.
    pub(crate) fn begin_batch(&mut self) {
        self.malformed_before = self.new_malformed;
        self.foreign_before = self.new_foreign;
    }

    /// All members of the batch have come. Any number of malformed members counts as one malformed
    /// message.
    pub(crate) fn end_batch(&mut self) {
        self.new_malformed = self.new_malformed.min(self.malformed_before.saturating_add(1));
        self.new_foreign = self.new_foreign.min(self.foreign_before.saturating_add(1));
    }

    /// Returns whether a cancel with an unknown id is one too many, after this number of `requests`.
    ///
    /// Each request excuses one unknown cancel, whenever the cancel comes: the answer may have been on
    /// its way, or the cancel may have waited in a queue. So a peer that cancels only its own calls is
    /// never counted, and to cancel nothing costs as much as a call.
    pub(crate) fn is_cancel_stray(&mut self, requests: u64) -> bool {
        spend(&mut self.cancels, requests)
    }

    /// Returns whether an unsubscribe with an unknown id is one too many, after this number of requests
    /// and streams. Unsubscribes are counted apart from cancels: a subscribe call that is given up may be
    /// cancelled, and its stream unsubscribed as well.
    pub(crate) fn is_unsubscribe_stray(&mut self, requests_and_streams: u64) -> bool {
        spend(&mut self.unsubscribes, requests_and_streams)
    }

    /// Returns the limit that was exceeded by the messages since the last look.
    pub(crate) fn exceeded(
        &mut self,
        now: Duration,
        malformed_rate: usize,
        stray_rate: usize,
    ) -> Option<&'static str> {
        let malformed = std::mem::take(&mut self.new_malformed);
        let foreign = std::mem::take(&mut self.new_foreign);
        let stray = std::mem::take(&mut self.new_stray);
        if malformed > 0 && self.malformed.exceeds(malformed, now, malformed_rate) {
            return Some("more malformed messages than `malformed_rate`");
        }
        let foreign_rate = malformed_rate.saturating_mul(FOREIGN);
        if foreign > 0 && self.foreign.exceeds(foreign, now, foreign_rate) {
            return Some("more messages that are no JSON-RPC than ten times `malformed_rate`");
        }
        if stray > 0 && self.stray.exceeds(stray, now, stray_rate) {
            return Some("more stray messages than `stray_rate`");
        }
        None
    }
}

/// Spends one more of `earned`. Returns whether none was left.
fn spend(spent: &mut u64, earned: u64) -> bool {
    let left = *spent < earned;
    *spent += u64::from(left);
    !left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const JUST: Duration = Duration::from_nanos(1);

    #[test]
    fn a_window_begins_with_an_event_and_lasts_ten_seconds() {
        let mut rate = Rate::default();
        assert!(!rate.exceeds(1, secs(7), 3));
        assert!(!rate.exceeds(2, secs(17) - JUST, 3), "as many as the limit");
        assert!(rate.exceeds(1, secs(17) - JUST, 3), "one more");
        assert!(!rate.exceeds(3, secs(17), 3), "the next window");
        assert!(rate.exceeds(1, secs(27) - JUST, 3));
        assert!(!rate.exceeds(3, secs(1000), 3));
    }

    /// Those at the end of a window and those at the beginning of the next come close together.
    #[test]
    fn across_a_border_twice_the_rate_may_come_and_no_more() {
        let mut rate = Rate::default();
        assert!(!rate.exceeds(1, secs(0), 100));
        assert!(!rate.exceeds(99, secs(10) - JUST, 100));
        assert!(!rate.exceeds(100, secs(10), 100));
        assert!(rate.exceeds(1, secs(10), 100));
    }

    #[test]
    fn no_number_is_too_large_to_be_counted() {
        let mut rate = Rate::default();
        assert!(!rate.exceeds(u32::MAX, Duration::MAX, usize::MAX));
        assert!(!rate.exceeds(u32::MAX, Duration::MAX, u32::MAX as usize));
        let mut rates = Rates::default();
        (0..3).for_each(|_| rates.malformed());
        assert_eq!(rates.exceeded(Duration::MAX, usize::MAX, usize::MAX), None);
    }

    #[test]
    fn controls_are_counted_by_how_many_more_there_are() {
        let mut controls = Controls::default();
        let start = u64::from(u32::MAX) - 1;
        assert!(!controls.exceed(0, secs(0), 1));
        assert!(controls.exceed(start, secs(0), 1));
        assert!(!controls.exceed(start + 3, secs(10), 3), "also where the lower half begins anew");
        assert!(!controls.exceed(start + 3, secs(10), 3), "nothing came");
        assert!(controls.exceed(start + 4, secs(19), 3));
    }

    #[test]
    fn the_bad_members_of_a_batch_are_one_message() {
        let mut rates = Rates::default();
        for _ in 0..2 {
            rates.malformed();
            rates.begin_batch();
            (0..50).for_each(|_| rates.malformed());
            rates.end_batch();
            rates.begin_batch();
            rates.end_batch();
        }
        assert_eq!(rates.exceeded(secs(0), 4, 0), None);
        rates.malformed();
        let exceeded = Some("more malformed messages than `malformed_rate`");
        assert_eq!(rates.exceeded(secs(0), 4, 0), exceeded);
    }

    #[test]
    fn each_request_makes_up_for_one_cancel_and_one_unsubscribe_whenever_they_come() {
        let mut rates = Rates::default();
        assert!(rates.is_cancel_stray(0));
        assert!((0..5).all(|_| !rates.is_cancel_stray(5)));
        assert!((0..5).all(|_| !rates.is_unsubscribe_stray(5)));
        assert!(rates.is_cancel_stray(5) && rates.is_unsubscribe_stray(5));
        assert!(!rates.is_cancel_stray(6), "what was stray is no debt");
        assert!(rates.is_cancel_stray(6));
    }
}
