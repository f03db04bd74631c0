//! The way up: what waits is posted, one request at a time.

use std::task::{Context, Poll};

use http::header::{HeaderMap, HeaderName};
use rpc_core::internal::sse::headers;
use tokio::time::Instant;

use super::acks::Acks;
use super::{Close, Failure, Over, SseCarrier};
use crate::error::ConnectError;
use crate::sse::posts::Posted;

impl SseCarrier {
    /// Returns the headers of a request of this link.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(3);
        if let Some(link) = &self.link {
            map.insert(HeaderName::from_static(headers::LINK), link.clone());
        }
        map.insert(HeaderName::from_static(headers::RECEIVED), self.inbound.received().into());
        map
    }

    /// Looks after the requests with messages.
    pub(super) fn poll_posts(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        loop {
            match self.posts.poll(cx) {
                Poll::Ready(posted) => self.posted(posted)?,
                // A request that begins is polled once, so that it wakes this task.
                Poll::Pending if self.post_more() => {}
                Poll::Pending => return Ok(()),
            }
        }
    }

    fn posted(&mut self, posted: Posted) -> Result<(), Failure> {
        match posted {
            Posted::TakenIn { closes: true } => self.close = Close::Done,
            Posted::TakenIn { closes: false } => {}
            Posted::Lost if self.posts.lost_for() < self.limits.mend => {}
            Posted::Lost => return Err(Failure::Broken(ConnectError::Timeout(self.limits.mend))),
            Posted::Refused(error) => {
                self.over.get_or_insert(Over { since: Instant::now(), error });
            }
            Posted::Wrong => return Err(Failure::Violation("`Rpc-Received` that cannot be")),
        }
        Ok(())
    }

    /// Posts what there is, if no other request is under way. Returns whether a request begins.
    fn post_more(&mut self) -> bool {
        let is_open = self.link.is_some() && self.over.is_none();
        if !is_open || !self.posts.is_idle() || matches!(self.close, Close::Done) {
            return false;
        }
        let mut map = self.headers();
        let closes = match &self.close {
            Close::Asked(close) => {
                map.insert(HeaderName::from_static(headers::CLOSE), close.clone());
                true
            }
            Close::No | Close::Done => false,
        };
        let posts = closes || self.posts.has_more() || self.acks.are_due(self.limits.ack_after);
        if posts {
            self.acks = Acks::default();
            self.posts.post(map, closes);
        }
        posts
    }
}
