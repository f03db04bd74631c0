//! The end of a process that this end has closed.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::group::Group;
use crate::util::runtime::{Instant, Sleep, sleep_until};

/// How often is looked whether the group of a child that has ended is empty: nothing tells of that.
const LOOK: Duration = Duration::from_millis(10);

/// A group that is to end, since the input of its child is closed.
#[derive(Debug)]
pub(super) struct Ending {
    /// When the group is told to end. `None` after that.
    terminate: Option<Pin<Box<Sleep>>>,
    look: Pin<Box<Sleep>>,
}

impl Ending {
    /// Gives the group half of the time that a close may take. The other half follows the signal.
    pub(super) fn new(close: Duration) -> Self {
        let now = Instant::now();
        let terminate = Some(Box::pin(sleep_until(now + close / 2)));
        Self { terminate, look: Box::pin(sleep_until(now + LOOK)) }
    }

    /// Tells the group to end when it is time.
    pub(super) fn poll_terminate(&mut self, cx: &mut Context<'_>, group: &mut Group) {
        if let Some(time) = &mut self.terminate
            && time.as_mut().poll(cx).is_ready()
        {
            self.terminate = None;
            group.terminate();
        }
    }

    /// Ready when no process of the group is left.
    pub(super) fn poll_empty(&mut self, cx: &mut Context<'_>, group: &mut Group) -> Poll<()> {
        while !group.has_ended() {
            std::task::ready!(self.look.as_mut().poll(cx));
            self.look = Box::pin(sleep_until(Instant::now() + LOOK));
        }
        Poll::Ready(())
    }
}
