//! A link that was given up, until its close has left.

use std::task::{Context, Poll};
use std::time::Duration;

use super::link::Link;
use crate::error::close::CloseReason;

/// A link of which nothing is read any more.
pub(super) struct Retired {
    link: Link,
    reason: CloseReason,
    until: Duration,
}

impl Retired {
    pub(super) fn new(link: Link, reason: CloseReason, until: Duration) -> Box<Self> {
        Box::new(Self { link, reason, until })
    }

    /// Returns when the link is dropped at the latest.
    pub(super) fn until(&self) -> Duration {
        self.until
    }

    /// Sends the close. Ready when the link can be dropped.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Duration) -> Poll<()> {
        if now >= self.until { Poll::Ready(()) } else { self.link.poll_close(cx, &self.reason) }
    }
}
