//! Time as the pure files see it: the span since a start.

use std::time::Duration;

use crate::util::runtime::Instant;

/// A start to count from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// What [`now`](Self::now) was at this instant.
    pub(crate) fn at(self, instant: Instant) -> Duration {
        instant.duration_since(self.0)
    }

    /// The instant at which [`now`](Self::now) is `time`, or one that nobody will live to see.
    pub(crate) fn instant(self, time: Duration) -> Instant {
        /// A century; an `Instant` cannot be as late as a `Duration` can be long.
        const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        self.0 + time.min(NEVER)
    }
}
