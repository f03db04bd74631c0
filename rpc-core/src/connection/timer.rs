//! The one timer of a connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::util::clock::Clock;
use crate::util::runtime::{Sleep, sleep_until};

/// Wakes the connection when something is due. The timer may ring too early, never too late: to move the timer
/// back with each message would cost more than a needless ring now and then.
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Wakes the task of `cx` at `due` or earlier. `armed` is what this function returned before. `turn_began` is when
    /// the turn of the task began, if the timer wakes this same task already. Returns when the task will be woken.
    pub(crate) fn arm(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        armed: Option<Duration>,
        due: Option<Duration>,
        turn_began: Option<Duration>,
    ) -> Option<Duration> {
        // Without anything due the timer may still ring, but not for certain.
        let due = due?;
        // A timer that rings in the turn wakes the task for another one, so there is no need to look at the timer. The
        // look would cost as much as a lock, and nothing else in a turn touches the memory of the timer.
        if let (Some(at), Some(turn_began)) = (armed, turn_began)
            && (turn_began < at && at <= due)
        {
            return armed;
        }
        let mut at = armed.filter(|at| *at <= due).unwrap_or_else(|| self.set(clock, due));
        if self.poll(cx).is_ready() {
            // The timer rang for an earlier time.
            at = self.set(clock, due);
            if self.poll(cx).is_ready() {
                cx.waker().wake_by_ref();
                return None;
            }
        }
        Some(at)
    }

    fn set(&mut self, clock: Clock, due: Duration) -> Duration {
        let instant = clock.instant(due);
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().reset(instant),
            None => self.0 = Some(Box::pin(sleep_until(instant))),
        }
        due
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
