//! A stream of events, as the body of an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rpc_core::internal::sse::event::COMMENT;
use tokio::time::{Instant, Sleep, sleep};

use super::link::{Link, Next};
use crate::deadline::Deadline;

/// How long a stream is silent at most. Proxies give up streams that are silent for 60 s, some for 30 s.
const SILENCE: Duration = Duration::from_secs(15);

/// How long an HTTP connection is kept for the next request of a link. Clients acknowledge within 5 s, so a connection in
/// use is kept, and an idle link has none.
pub(crate) const IDLE: Duration = Duration::from_secs(10);

/// The stream of a link. Dropping it takes the stream from the link.
pub(crate) struct Events {
    pub(super) link: Arc<Link>,
    stream: u64,
    spoke: Instant,
    silence: Pin<Box<Sleep>>,
}

impl Events {
    /// Makes the body of a stream that the link has begun.
    pub(super) fn new(link: Arc<Link>, stream: u64) -> Self {
        let (spoke, silence) = (Instant::now(), Box::pin(sleep(SILENCE)));
        Self { link, stream, spoke, silence }
    }

    /// Hands over the deadline of the HTTP connection. It begins when the link is over: the client may read nothing.
    pub(super) fn keep_deadline(&self, deadline: Deadline) {
        self.link.set_deadline(deadline);
    }

    /// Returns the next piece; `None` at the end of the stream.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.link.next(self.stream, cx.waker()) {
            Next::Piece(piece) => {
                self.spoke = Instant::now();
                Poll::Ready(Some(piece))
            }
            Next::End => Poll::Ready(None),
            Next::Wait => self.poll_silence(cx),
        }
    }

    /// The clock is not set anew for each piece, but looks when it rings.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while self.silence.as_mut().poll(cx).is_ready() {
            let due = self.spoke + SILENCE;
            let is_silent = Instant::now() >= due;
            if is_silent {
                self.spoke = Instant::now();
            }
            self.silence.as_mut().reset(self.spoke + SILENCE);
            if is_silent {
                return Poll::Ready(Some(Bytes::from_static(COMMENT)));
            }
        }
        Poll::Pending
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.link.end_stream(self.stream);
    }
}
