//! The messages of a request, on their way into the link.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Body;
use rpc_core::internal::sse::{LineEnd, Lines, TooLong};
use tokio::time::{Instant, timeout_at};

use super::inbox::Put;
use super::link::Link;
use crate::rejection::Rejection;

/// A request that is being read.
pub(super) struct Reading {
    pub(super) request: u64,
    pub(super) lines: Lines,
    /// The number of the next message.
    pub(super) next: u64,
    /// A line for which there was no room.
    pub(super) waiting: Option<Bytes>,
    has_ended: bool,
}

impl Reading {
    /// Returns the next line that is not empty.
    pub(super) fn take_line(&mut self) -> Result<Option<Bytes>, TooLong> {
        if let Some(line) = self.waiting.take() {
            return Ok(Some(line));
        }
        while let Some(line) = self.lines.next_line()? {
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
        if self.has_ended { self.lines.last_line() } else { Ok(None) }
    }
}

/// Why not all messages of a request were taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Gap,
    TooLong,
    /// A message took too long to come.
    Late,
    BrokenOff,
    /// The body did not come to its end.
    Cut,
    Over,
}

impl Refused {
    /// Returns the answer. [`Over`](Self::Over) is answered as a link that never was.
    pub(super) fn into_rejection(self) -> Rejection {
        let (status, text) = match self {
            Self::Gap => (StatusCode::CONFLICT, "a message before `Rpc-First` is missing"),
            Self::TooLong => {
                (StatusCode::PAYLOAD_TOO_LARGE, "a message above the limit `message_in`")
            }
            Self::Late => (StatusCode::REQUEST_TIMEOUT, "a message took too long to come"),
            Self::BrokenOff => (StatusCode::CONFLICT, "later requests have taken its place"),
            Self::Cut => (StatusCode::BAD_REQUEST, "the messages did not come to their end"),
            Self::Over => return super::open::unknown(),
        };
        Rejection::new(status, text)
    }
}

/// Takes in the messages in `body`, one a line, each of which has `assembly` to come. They are read as fast as the
/// connection takes them.
pub(super) async fn take<B: Body>(
    link: &Arc<Link>,
    first: u64,
    body: B,
    assembly: Duration,
) -> Result<(), Refused> {
    let request = link.begin_reading();
    let ended = read(link, request, first, body, assembly).await;
    link.end_reading(request);
    ended
}

async fn read<B: Body>(
    link: &Link,
    request: u64,
    first: u64,
    body: B,
    assembly: Duration,
) -> Result<(), Refused> {
    let lines = Lines::new(LineEnd::Feed, 0);
    let mut reading = Reading { request, lines, next: first, waiting: None, has_ended: false };
    let mut body = pin!(body);
    let mut deadline = Instant::now() + assembly;
    loop {
        let mut changed = pin!(link.changed.notified());
        // Before the link is looked at, so that no change is missed in between.
        changed.as_mut().enable();
        let before = reading.next;
        match link.put(&mut reading) {
            Put::All if reading.has_ended => return Ok(()),
            Put::All => {}
            Put::Full => {
                changed.await;
                deadline = Instant::now() + assembly;
                continue;
            }
            Put::Gap => return Err(Refused::Gap),
            Put::TooLong => return Err(Refused::TooLong),
            Put::BrokenOff => return Err(Refused::BrokenOff),
            Put::Over => return Err(Refused::Over),
        }
        if reading.next > before {
            deadline = Instant::now() + assembly;
        }
        tokio::select! {
            frame = timeout_at(deadline, body.frame()) => match frame {
                Err(_) => return Err(Refused::Late),
                Ok(Some(Err(_))) => return Err(Refused::Cut),
                Ok(Some(Ok(frame))) => {
                    if let Ok(mut data) = frame.into_data() {
                        reading.lines.feed(data.copy_to_bytes(data.remaining()));
                    }
                }
                Ok(None) => reading.has_ended = true,
            },
            () = changed => {}
        }
    }
}
