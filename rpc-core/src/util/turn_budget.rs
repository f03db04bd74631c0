//! How long a connection keeps a thread from everything else.
//!
//! Handlers run where their connection reads, and few bytes can make for much work. So time is read after
//! each poll of something of the user's, from a clock that ticks every few milliseconds (4 on most of
//! Linux) and costs as many nanoseconds. A turn that sees a tick does no more than it must, and one poll
//! that saw many is told of in the log: a turn of a connection is short otherwise, so what passed since
//! the last look is what the poll took.

use std::pin::pin;
use std::task::Context;
use std::time;

use coarsetime::{Duration, Instant};

use crate::util::runtime::yield_now;

/// What is longer is told of in the log.
const LONG: Duration = Duration::new(0, 100_000_000);

/// The time that a turn takes.
pub(crate) struct TurnBudget {
    began: Instant,
    /// When the clock was last looked at.
    last: Instant,
}

impl TurnBudget {
    /// A turn begins.
    #[inline]
    pub(crate) fn start() -> Self {
        let now = now();
        Self { began: now, last: now }
    }

    /// Looks at the clock again; how long it has been, if that is long.
    #[inline]
    pub(crate) fn checkpoint(&mut self) -> Option<time::Duration> {
        let before = std::mem::replace(&mut self.last, now());
        let took = self.last - before;
        (took > LONG).then(|| took.into())
    }

    /// Whether the turn has taken its time, as far as was looked.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.last != self.began
    }
}

/// The time, without writing it to where all threads look.
#[inline]
fn now() -> Instant {
    Instant::now_without_cache_update()
}

/// Has the task polled again when others had their turn. A mere wake would do for those that are ready: but as
/// long as there is one, the runtime looks but now and then (after 61 polls) for what has arrived for others.
pub(crate) fn again(cx: &mut Context<'_>) {
    let _ = pin!(yield_now()).poll(cx);
}
