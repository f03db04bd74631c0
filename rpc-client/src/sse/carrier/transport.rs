//! The link as the transport of a connection.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use rpc_core::internal::sse::headers;
use rpc_core::transport::{LinkError, Received, Transport};
use rpc_core::{CloseCode, Limits};

use super::clocks::Times;
use super::{Close, SseCarrier};

/// Bytes of messages that wait to be posted. Others wait in the outbox, where a cancel can pass them.
const ROOM: usize = 64 * 1024;

impl Transport for SseCarrier {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        let received = match self.poll_posts(cx) {
            Ok(()) => self.poll_next(cx, allowance),
            Err(failure) => Poll::Ready(Err(failure)),
        };
        if received.is_pending() {
            self.message = Bytes::new();
            if let Err(failure) = self.poll_posts(cx) {
                return Poll::Ready(self.fail(failure));
            }
        }
        received.map(|received| received.unwrap_or_else(|failure| self.fail(failure)))
    }

    fn message(&self) -> &[u8] {
        &self.message
    }

    fn take_message(&mut self) -> Bytes {
        std::mem::take(&mut self.message)
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let outbound = &self.posts.outbound;
        let has_room = outbound.last() == 0 || (self.link.is_some() && outbound.unsent() < ROOM);
        // The task is woken by what the stream or a request brings, which is what makes room.
        if has_room { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        let is_first = self.posts.outbound.last() == 0;
        self.posts.outbound.push(message.clone());
        if is_first {
            self.posts.outbound.note_sent(1);
            self.has_begun = true;
            // It has the time of the whole attempt.
            self.stream.ask(self.headers(), message, Duration::MAX);
        }
        Ok(())
    }

    fn opens_by_hello(&self) -> bool {
        true
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let has_begun = std::mem::take(&mut self.has_begun);
        if self.poll_posts(cx).is_err() || has_begun {
            // The stream is polled where the connection reads, and a failure is told there.
            cx.waker().wake_by_ref();
        }
        if self.posts.outbound.unsent() == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        if let Close::No = self.close {
            let close = headers::close(code, reason);
            let close = HeaderValue::try_from(close).expect("it was written for a header");
            self.close = Close::Asked(close);
        }
        let has_failed = self.poll_posts(cx).is_err();
        let is_over = self.link.is_none() || self.over.is_some() || has_failed;
        let is_done = matches!(self.close, Close::Done) && self.posts.is_idle();
        if is_over || is_done { Poll::Ready(()) } else { Poll::Pending }
    }

    fn accepted(&self) -> u64 {
        self.posts.outbound.sent()
    }

    fn backlog(&self) -> usize {
        self.posts.outbound.bytes()
    }

    fn received_bytes(&self) -> u64 {
        self.received
    }

    fn assembling(&self) -> Option<u64> {
        self.reader.is_within().then(|| self.inbound.received() + 1)
    }

    fn shrink(&mut self) {
        self.posts.outbound.shrink();
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.limits = Times::of(limits);
        self.reader.set_most(limits.message_in);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::client::Client;
    use crate::sse::Opening;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// The connection reads before it sends. A link whose request nobody polled opened a second later, when the connection
    /// looked at its clocks.
    #[tokio::test]
    async fn the_request_that_opens_the_link_begins_at_once() {
        let attempt = Client::builder().attempt("ws://127.0.0.1:1/").unwrap();
        let time = Duration::from_secs(10);
        let (mut carrier, _opened) = SseCarrier::new(Opening { attempt, time, before: None });
        let woken = Arc::<Woken>::default();
        let waker = woken.clone().into();
        let cx = &mut Context::from_waker(&waker);
        assert!(carrier.poll_receive(cx, 1000).is_pending());
        assert!(carrier.poll_ready(cx).is_ready());
        carrier.send(Bytes::from_static(b"{}")).unwrap();
        assert!(!woken.0.load(Ordering::Relaxed));
        assert!(carrier.poll_flush(cx).is_ready() && woken.0.load(Ordering::Relaxed));
        assert!(carrier.poll_ready(cx).is_pending(), "nothing follows the hello before its answer");
    }
}
