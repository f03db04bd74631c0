//! Whether a handler keeps its connection's task from everything else.
//!
//! Time is read after each poll from a clock that is a few milliseconds coarse and costs as many
//! nanoseconds. A turn of a connection is short otherwise, so what passed since the last look is
//! what the poll took.

use std::time;

use coarsetime::{Duration, Instant};

/// What is longer is told of in the log.
const LONG: Duration = Duration::new(0, 100_000_000);

/// When a connection last looked at the clock.
pub(crate) struct Pace(Instant);

impl Pace {
    /// Looks at the clock.
    #[inline]
    pub(crate) fn start() -> Self {
        // `now` would write what it reads to where all threads see it.
        Self(Instant::now_without_cache_update())
    }

    /// Looks at the clock again; how long it has been, if that is long.
    #[inline]
    pub(crate) fn lap(&mut self) -> Option<time::Duration> {
        let before = std::mem::replace(self, Self::start());
        let took = self.0 - before.0;
        (took > LONG).then(|| took.into())
    }
}
