//! How many items may be on their way to a taker so that each is fresh when it is taken: as many as the taker consumes
//! during the shortest time seen from an item's sending to its credit, and two more.
//!
//! Fewer would let a taker wait who could have the next item. More would only wait at the taker, and grow old there.
//! The shortest time is the time of the link alone. It counts while items are still as quick now and then. When no item
//! was for [`EXPIRES`], the link may have become slower, or items may always wait at a slow taker. One item alone on its
//! way tells which.

use std::time::Duration;

/// How many items may be on their way before anything is known of the taker, if fewer keys wait.
const START: usize = 16;

/// How long the shortest time counts after an item was last as quick.
const EXPIRES: Duration = Duration::from_secs(5);

/// Items wait at the taker if they take longer than the shortest time, this part of that time, and this time together.
/// Links and schedulers are not exact.
const INEXACT: (u32, Duration) = (8, Duration::from_millis(10));

/// The least number of items on their way: one that is being taken, and one that waits.
const LEAST: usize = 2;

/// A measurement of the taker: the credit for an item has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// The time from the sending of the item to its credit.
    pub(super) took: Duration,
    /// How many items were on their way when the item was sent, with the item itself.
    pub(super) on_way: usize,
}

/// The bound of one stream.
#[derive(Debug)]
pub(super) struct Fresh {
    most: usize,
    /// The shortest time, and when an item was last as quick.
    shortest: Option<(Duration, Duration)>,
    /// One item alone is to find the shortest time anew.
    is_probing: bool,
}

impl Fresh {
    pub(super) fn new() -> Self {
        Self { most: START, shortest: None, is_probing: false }
    }

    /// Notes that so many items with different keys wait to be sent. At the beginning each may be on its way.
    pub(super) fn wait(&mut self, keys: usize) {
        if self.shortest.is_none() {
            self.most = self.most.max(keys);
        }
    }

    /// Returns the most items that may be on their way.
    pub(super) fn most(&self) -> usize {
        if self.is_probing { 1 } else { self.most }
    }

    /// An item was consumed, as the credit shows that comes now.
    pub(super) fn consumed(&mut self, sample: Sample, now: Duration) {
        let Sample { took, on_way } = sample;
        let is_alone = on_way <= 1;
        if self.is_probing && is_alone {
            self.is_probing = false;
            self.shortest = Some((took, now));
            // What leaves at once waits for each other at the taker.
            self.most = (self.most / 2).max(LEAST);
            return;
        }
        let (shortest, seen) = self.shortest.unwrap_or((took, now));
        let quick = quick(shortest);
        if took > quick {
            self.most = self.most.min(consumed_during(quick, sample) + 1).max(LEAST);
            self.shortest = Some((shortest, seen));
            self.is_probing |= now.saturating_sub(seen) > EXPIRES;
            return;
        }
        self.shortest = Some((shortest.min(took), now));
        // Nothing waited there. If something waited here, the taker has room for more.
        if on_way >= self.most {
            self.most = on_way.saturating_add((on_way / 4).max(2));
        }
    }
}

/// Returns up to which time an item is as quick as the quickest.
fn quick(shortest: Duration) -> Duration {
    let (part, time) = INEXACT;
    shortest.saturating_add(shortest / part).saturating_add(time)
}

/// Returns how many items were consumed in this time: items on their way are consumed one after the other. A quarter
/// of an item is none.
fn consumed_during(time: Duration, sample: Sample) -> usize {
    let quarters = 4 * sample.on_way as u128 * time.as_nanos() / sample.took.as_nanos().max(1);
    usize::try_from((quarters + 2) / 4).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A taker of items behind a link, and the end that sends them as the bound says. Each item has the time at which it
    /// was sent.
    struct Line {
        fresh: Fresh,
        now: Duration,
        /// The time between items that are made.
        each: Duration,
        /// The time of an item and its credit on the link.
        link: Duration,
        /// The time that the taker needs for an item.
        needs: Duration,
        /// Items on their way to the taker: when each was sent, and how many were on their way then.
        sent: VecDeque<(Duration, usize)>,
        /// Credits on their way back.
        credits: VecDeque<(Duration, Sample)>,
        idle_from: Duration,
        next: Duration,
        /// An item that waits to be sent, because there was no room.
        waits: bool,
        missed: usize,
        taken: usize,
        /// The longest time from the sending of an item until it was taken.
        oldest: Duration,
    }

    impl Line {
        fn new(each: Duration, link: Duration, needs: Duration) -> Self {
            Self {
                fresh: Fresh::new(),
                now: Duration::ZERO,
                each,
                link,
                needs,
                sent: VecDeque::new(),
                credits: VecDeque::new(),
                idle_from: Duration::ZERO,
                next: Duration::ZERO,
                waits: false,
                missed: 0,
                taken: 0,
                oldest: Duration::ZERO,
            }
        }

        fn on_way(&self) -> usize {
            self.sent.len() + self.credits.len()
        }

        fn send(&mut self) {
            self.waits = false;
            self.sent.push_back((self.now, self.on_way() + 1));
        }

        /// Lets a tenth of a millisecond pass.
        fn step(&mut self) {
            self.now += MS / 10;
            while let Some((_, sample)) =
                self.credits.front().copied().filter(|it| it.0 <= self.now)
            {
                self.credits.pop_front();
                self.fresh.consumed(sample, self.now);
            }
            while self.now >= self.next {
                self.next += self.each;
                self.missed += usize::from(std::mem::replace(&mut self.waits, true));
                if self.on_way() < self.fresh.most() {
                    self.send();
                }
            }
            if self.waits && self.on_way() < self.fresh.most() {
                self.send();
            }
            while let Some((at, on_way)) = self.sent.front().copied()
                && at + self.link / 2 <= self.now
                && self.idle_from <= self.now
            {
                self.sent.pop_front();
                self.idle_from = self.now + self.needs;
                self.taken += 1;
                self.oldest = self.oldest.max(self.now - at);
                let back = self.now + self.link / 2;
                self.credits.push_back((back, Sample { took: back - at, on_way }));
            }
        }

        /// Lets so many milliseconds pass. Returns how many items were missed and taken meanwhile, and the oldest.
        fn run(&mut self, ms: u32) -> (usize, usize, Duration) {
            (self.missed, self.taken, self.oldest) = (0, 0, Duration::ZERO);
            (0..10 * ms).for_each(|_| self.step());
            (self.missed, self.taken, self.oldest)
        }
    }

    #[test]
    fn who_is_slow_has_two_or_three_items_on_their_way_for_as_long_as_it_is_slow() {
        let mut line = Line::new(2 * MS, Duration::ZERO, 20 * MS);
        line.run(1000);
        for _ in 0..60 {
            let (_, taken, oldest) = line.run(1000);
            assert!(taken >= 49, "{taken}: the taker always has something to take");
            assert!(oldest <= 60 * MS, "{oldest:?}");
        }
    }

    #[test]
    fn who_is_slow_behind_a_long_link_is_never_idle_and_two_items_wait_for_it() {
        let mut line = Line::new(2 * MS, 100 * MS, 20 * MS);
        line.run(3000);
        let (mut all, mut most) = (0, Duration::ZERO);
        for _ in 0..60 {
            let (_, taken, oldest) = line.run(1000);
            all += taken;
            most = most.max(oldest);
        }
        assert!(all >= 60 * 48, "{all}");
        assert!(most <= (50 + 60) * MS, "{most:?}");
    }

    #[test]
    fn who_keeps_up_misses_nothing_whatever_the_link() {
        for link in [0, 1, 20, 100, 300] {
            for needs in [MS / 10, MS, 19 * MS / 10] {
                let mut line = Line::new(2 * MS, link * MS, needs);
                line.run(5000);
                for second in 0..20 {
                    let (missed, _, oldest) = line.run(1000);
                    assert_eq!(missed, 0, "{link} ms, {needs:?}, second {second}");
                    assert!(oldest <= link * MS / 2 + 2 * MS, "{oldest:?}");
                }
            }
        }
    }

    #[test]
    fn who_was_slow_and_is_quick_soon_has_all_items() {
        let mut line = Line::new(2 * MS, 100 * MS, 20 * MS);
        line.run(20_000);
        line.needs = MS;
        line.run(2000);
        assert_eq!(line.run(10_000).0, 0);
    }

    #[test]
    fn a_link_that_becomes_slower_is_found_out() {
        let mut line = Line::new(2 * MS, 20 * MS, MS);
        line.run(3000);
        line.link = 200 * MS;
        line.run(9000);
        assert_eq!(line.run(20_000).0, 0);
        line.link = 20 * MS;
        assert_eq!(line.run(20_000).0, 0);
        line.needs = 20 * MS;
        line.run(2000);
        let oldest = line.run(20_000).2;
        assert!(oldest <= 80 * MS, "{oldest:?}");
    }

    #[test]
    fn at_the_beginning_each_key_may_be_on_its_way() {
        let mut fresh = Fresh::new();
        assert_eq!(fresh.most(), START);
        fresh.wait(1000);
        assert_eq!(fresh.most(), 1000);
        fresh.consumed(Sample { took: MS, on_way: 1 }, MS);
        fresh.wait(2000);
        assert_eq!(fresh.most(), 1000, "the beginning is over");
    }

    #[test]
    fn a_taker_that_pauses_is_no_slow_link() {
        let mut line = Line::new(2 * MS, Duration::ZERO, 20 * MS);
        line.run(3000);
        line.needs = 60_000 * MS;
        line.run(100);
        line.needs = 20 * MS;
        line.run(60_000);
        line.run(10_000);
        let oldest = line.run(10_000).2;
        assert!(oldest <= 60 * MS, "{oldest:?}");
    }
}
