//! The timer of a reader whose next message arrives later.

use std::pin::Pin;
use std::task::Context;

use super::plan::Hold;
use crate::util::runtime::{Sleep, sleep_until};

/// Wakes a reader when the next message arrives.
#[derive(Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Wakes the task of `cx` at the end of `hold`. Call without a lock, since a waker is code of the user's.
    ///
    /// # Panics
    /// Without a tokio runtime that has a timer, if the hold ends at some time.
    pub(super) fn set(&mut self, hold: Hold, cx: &mut Context<'_>) {
        // `Faults::resume` wakes who is held without an end.
        let Hold::Until(instant) = hold else { return };
        let sleep = match &mut self.0 {
            Some(sleep) => {
                sleep.as_mut().reset(instant);
                sleep
            }
            none => none.insert(Box::pin(sleep_until(instant))),
        };
        if sleep.as_mut().poll(cx).is_ready() {
            // The time has come since the direction was looked at.
            cx.waker().wake_by_ref();
        }
    }
}
