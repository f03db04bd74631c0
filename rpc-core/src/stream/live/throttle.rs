//! The least time between two items of a watcher.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::util::runtime::{Instant, Sleep, sleep_until};

/// Lets at most one item leave in a time.
#[derive(Default)]
pub(super) struct Throttle {
    /// What the publisher says.
    least: Duration,
    /// What the watcher says.
    wanted: Duration,
    /// When the last item has left. Unknown if nobody wanted a pause then.
    last: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Throttle {
    pub(super) fn set(&mut self, interval: Duration) {
        self.wanted = interval;
    }

    pub(super) fn set_least(&mut self, interval: Duration) {
        self.least = interval;
    }

    /// Returns what the watcher says.
    pub(super) fn wanted(&self) -> Duration {
        self.wanted
    }

    fn interval(&self) -> Duration {
        self.least.max(self.wanted)
    }

    /// Notes that an item leaves now.
    pub(super) fn note_item(&mut self) {
        if !self.interval().is_zero() {
            self.last = Some(Instant::now());
        }
    }

    /// Waits until the next item may leave.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let interval = self.interval();
        let due = self.last.and_then(|last| last.checked_add(interval));
        let Some(due) = due.filter(|due| *due > Instant::now()) else { return Poll::Ready(()) };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }
}
