//! A link that was given up, until it can be dropped.

use std::task::{Context, Poll};
use std::time::Duration;

use super::link::Link;
use crate::error::close::CloseReason;

/// A link of which nothing is read any more.
pub(super) struct Retired {
    link: Link,
    /// The close that leaves. `None` while another link asks to resume the session: the other end closes this link
    /// itself when it has resumed, and does not see the session without a link in between.
    reason: Option<CloseReason>,
    until: Duration,
}

impl Retired {
    pub(super) fn new(link: Link, reason: Option<CloseReason>, until: Duration) -> Box<Self> {
        Box::new(Self { link, reason, until })
    }

    /// Returns when the link is dropped at the latest.
    pub(super) fn until(&self) -> Duration {
        self.until
    }

    /// Returns whether the link waits for the answer over another link.
    pub(super) fn waits(&self) -> bool {
        self.reason.is_none()
    }

    /// Sends the close. Ready when the link can be dropped.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Duration) -> Poll<()> {
        match &self.reason {
            _ if now >= self.until => Poll::Ready(()),
            Some(reason) => self.link.poll_close(cx, reason),
            None => Poll::Pending,
        }
    }
}
