//! A stream of events over a connection of this server, written by hand.
//!
//! hyper would keep 16 KiB of buffers for each connection, and its own state: more than all the rest of a link.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use tokio::io::{AsyncWriteExt, ReadBuf};

use super::events::Events;
use crate::deadline::Deadline;
use crate::http::linger;
use crate::listener::Socket;
use crate::shared::Shared;

/// How often a connection is read before others have their turn: its client has nothing to say.
const READS: usize = 16;

/// The answer to a request for a stream.
pub(crate) struct StreamAnswer {
    head: Bytes,
    events: Events,
    /// Whether the body comes in chunks. If not, it ends with the connection.
    is_chunked: bool,
}

impl StreamAnswer {
    /// Makes an answer with these headers to a request of this version of HTTP.
    pub(crate) fn new(headers: &HeaderMap, events: Events, version: Version) -> Self {
        let is_chunked = version != Version::HTTP_10;
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        let mut line = |name: &str, value: &[u8]| {
            head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        for (name, value) in headers {
            line(name.as_str(), value.as_bytes());
        }
        line(DATE.as_str(), httpdate::fmt_http_date(SystemTime::now()).as_bytes());
        line(CONNECTION.as_str(), b"close");
        if is_chunked {
            line(TRANSFER_ENCODING.as_str(), b"chunked");
        }
        head.extend_from_slice(b"\r\n");
        Self { head: head.into(), events, is_chunked }
    }
}

/// Writes the stream to its end, unless the client goes away, reads nothing when the link is over, or the server stops.
pub(crate) async fn run<S: Socket>(shared: Arc<Shared>, mut stream: S, answer: StreamAnswer) {
    let mut member = shared.lifecycle.join();
    let deadline = Deadline::never();
    let StreamAnswer { head, mut events, is_chunked } = answer;
    events.keep_deadline(deadline.clone());
    let mut pump = Pump { left: [head, Bytes::new(), Bytes::new()], is_chunked, is_last: false };
    let pumping = poll_fn(|cx| pump.poll(&mut stream, &mut events, cx));
    let ended = tokio::select! {
        biased;
        () = async { member.stopped().await; member.overdue(shared.limits().close).await } => false,
        ended = deadline.limit(pumping) => ended == Some(true),
    };
    drop(events);
    if ended {
        let _ = stream.flush().await;
        Box::pin(linger(&shared, stream)).await;
    }
}

struct Pump {
    /// What is to be written before anything else: the frame of a chunk, and its bytes.
    left: [Bytes; 3],
    is_chunked: bool,
    is_last: bool,
}

impl Pump {
    /// Ready when all is written (`true`), or the connection is gone (`false`).
    fn poll<S: Socket>(
        &mut self,
        stream: &mut S,
        events: &mut Events,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        if self.poll_gone(stream, cx) {
            return Poll::Ready(false);
        }
        loop {
            while self.left.iter().any(|part| !part.is_empty()) {
                let slices = self.left.each_ref().map(|part| IoSlice::new(part));
                match Pin::new(&mut *stream).poll_write_vectored(cx, &slices) {
                    Poll::Ready(Ok(written @ 1..)) => self.advance(written),
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                }
            }
            if Pin::new(&mut *stream).poll_flush(cx).is_pending() {
                return Poll::Pending;
            }
            if self.is_last {
                return Poll::Ready(true);
            }
            match events.poll_piece(cx) {
                Poll::Ready(Some(piece)) => self.frame(piece),
                Poll::Ready(None) => {
                    self.is_last = true;
                    if self.is_chunked {
                        self.left[0] = Bytes::from_static(b"0\r\n\r\n");
                    }
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Frames a piece as a chunk.
    fn frame(&mut self, piece: Bytes) {
        if self.is_chunked {
            let size = Bytes::from(format!("{:x}\r\n", piece.len()));
            self.left = [size, piece, Bytes::from_static(b"\r\n")];
        } else {
            self.left[1] = piece;
        }
    }

    fn advance(&mut self, mut written: usize) {
        for part in &mut self.left {
            let of_part = written.min(part.len());
            part.advance(of_part);
            written -= of_part;
            if part.is_empty() {
                *part = Bytes::new();
            }
        }
    }

    /// Returns whether the client has gone. What it sends is not read: another request would come over a connection of
    /// its own.
    fn poll_gone<S: Socket>(&self, stream: &mut S, cx: &mut Context<'_>) -> bool {
        let mut bytes = [0; 256];
        for _ in 0..READS {
            let mut read = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
                Poll::Ready(_) => return true,
                Poll::Pending => return false,
            }
        }
        cx.waker().wake_by_ref();
        false
    }
}

impl Deadline {
    /// Makes a deadline that is far away until it is set.
    fn never() -> Self {
        let deadline = Self::within(Duration::ZERO);
        deadline.set(None);
        deadline
    }
}
