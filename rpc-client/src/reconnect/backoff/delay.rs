//! The times between attempts: a random one within what doubles with each attempt, and not before what the server asks.

use std::time::Duration;

/// How long a link must last until the next loss counts as the first one.
pub(super) const STABLE: Duration = Duration::from_secs(10);

/// The time within which the first attempt after a loss begins, if the server names none.
const SPREAD: Duration = Duration::from_millis(250);

/// The longest spread that a server may ask for.
const LONGEST_SPREAD: Duration = Duration::from_secs(60);

/// The longest time that a server may ask a client to wait: one day, as with `$/goaway`.
const LATEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The times between attempts.
#[derive(Debug)]
pub(super) struct Delay {
    min: Duration,
    max: Duration,
    spread: Duration,
    /// How many attempts have begun since the last stable link.
    attempts: u32,
    /// The earliest time of the next attempt that the server has asked for.
    earliest: Duration,
}

impl Delay {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, spread: SPREAD, attempts: 0, earliest: Duration::ZERO }
    }

    pub(super) fn begin(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Notes that there is a link: what the server asked for before is over.
    pub(super) fn up(&mut self, spread: Option<Duration>) {
        self.spread_over(spread);
        self.earliest = Duration::ZERO;
    }

    /// Notes over which time the first attempts after a loss are spread.
    pub(super) fn spread_over(&mut self, spread: Option<Duration>) {
        self.spread = spread.unwrap_or(SPREAD).min(LONGEST_SPREAD);
    }

    /// Notes that the lost link was stable.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }

    pub(super) fn not_before(&mut self, now: Duration, wait: Duration) {
        self.earliest = self.earliest.max(now + wait.min(LATEST));
    }

    /// Returns when the first attempt after a loss begins. `window` is the shortest and the longest wait of a
    /// `$/goaway`. A window that is zero names no time.
    pub(super) fn after_loss(
        &mut self,
        now: Duration,
        window: Option<(Duration, Duration)>,
        random: u64,
    ) -> Duration {
        // A server that lets the client in and drops it at once is not asked faster and faster.
        let within = self.within();
        let Some((min, max)) = window.filter(|(_, max)| !max.is_zero()) else {
            return now.max(self.earliest) + part(self.spread.max(within), random);
        };
        let picked = min + part(max.saturating_sub(min), random);
        self.not_before(now, picked);
        self.earliest.max(now + part(within, random))
    }

    /// Returns when the next attempt begins after one that has failed.
    pub(super) fn after_failure(&self, now: Duration, random: u64) -> Duration {
        // Behind the earliest time the clients are spread as well: they may all have been told the same.
        now.max(self.earliest) + part(self.within(), random)
    }

    /// Returns the longest wait: doubled with each attempt, from `min` to `max`. Zero before the first attempt.
    fn within(&self) -> Duration {
        let Some(doublings) = self.attempts.checked_sub(1) else { return Duration::ZERO };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max)
    }
}

/// Returns a part of `whole`: none of it for the random number 0, and all of it for the largest one.
fn part(whole: Duration, random: u64) -> Duration {
    // No wait is longer than a day, which has fewer than 2^47 nanoseconds.
    let nanos = (whole.as_nanos() + 1).saturating_mul(random.into()) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
