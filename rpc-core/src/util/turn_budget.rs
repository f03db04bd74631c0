//! Limits how long a turn of a connection keeps its thread busy.
//!
//! Handlers run in the task that reads the connection, and few bytes can cause much work. So the connection reads a
//! clock after each poll of application code. The clock ticks every few milliseconds (4 on most of Linux), and reading
//! it costs a few nanoseconds. When a turn sees a tick, the turn ends as soon as it can. If a single poll takes many
//! ticks, the log has a warning about it. Everything else in a turn is short, so the time since the last reading is the
//! time of the poll.

use std::time;

use coarsetime::{Duration, Instant};

/// A poll that takes longer is logged.
const LONG: Duration = Duration::new(0, 100_000_000);

/// The time of a turn.
pub(crate) struct TurnBudget {
    began: Instant,
    /// When the clock was last read.
    last: Instant,
}

impl TurnBudget {
    /// Starts a turn.
    #[inline]
    pub(crate) fn start() -> Self {
        let now = now();
        Self { began: now, last: now }
    }

    /// Reads the clock. Returns the time since the last reading if it is longer than 100 ms.
    #[inline]
    pub(crate) fn checkpoint(&mut self) -> Option<time::Duration> {
        let before = std::mem::replace(&mut self.last, now());
        let took = self.last - before;
        (took > LONG).then(|| took.into())
    }

    /// Returns whether the clock has ticked in this turn, as of the last reading.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.last != self.began
    }
}

/// Returns the time without writing to the cache that all threads share.
#[inline]
fn now() -> Instant {
    Instant::now_without_cache_update()
}
