//! The one timer of a connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::util::clock::Clock;
use crate::util::runtime::{Sleep, sleep_until};

/// Wakes the connection when something is due. The timer may ring too early, never too late: to move the timer
/// back with each message would cost more than a needless ring now and then.
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    at: Option<Duration>,
}

impl Timer {
    pub(crate) const fn new() -> Self {
        Self { sleep: None, at: None }
    }

    /// Wakes the task of `cx` at `due` or earlier. Returns when the task will be woken.
    pub(crate) fn arm(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        due: Option<Duration>,
    ) -> Option<Duration> {
        let Some(due) = due else {
            // The timer may still ring, but not for certain.
            self.at = None;
            return None;
        };
        if self.at.is_none_or(|at| due < at) {
            self.set(clock, due);
        }
        if self.poll(cx).is_ready() {
            // The timer rang for an earlier time.
            self.set(clock, due);
            if self.poll(cx).is_ready() {
                self.at = None;
                cx.waker().wake_by_ref();
            }
        }
        self.at
    }

    fn set(&mut self, clock: Clock, due: Duration) {
        let instant = clock.instant(due);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(instant),
            None => self.sleep = Some(Box::pin(sleep_until(instant))),
        }
        self.at = Some(due);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
