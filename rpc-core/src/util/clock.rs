//! The clock of the pure files: a time is the duration since a start.

use std::time::Duration;

use crate::util::runtime::Instant;

/// The start of a clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// Returns the value that [`now`](Self::now) had at `instant`.
    pub(crate) fn at(self, instant: Instant) -> Duration {
        instant.duration_since(self.0)
    }

    /// Returns the instant at which [`now`](Self::now) is `time`. A `time` of more than a century counts as a century.
    pub(crate) fn instant(self, time: Duration) -> Instant {
        /// A century. An `Instant` cannot represent the longest `Duration`.
        const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        self.0 + time.min(NEVER)
    }
}
