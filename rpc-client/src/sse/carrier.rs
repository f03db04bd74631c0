//! A link over server-sent events and `POST` as the transport of a connection.

mod acks;
mod clocks;
mod posting;
mod reading;
mod transport;

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use http::header::HeaderValue;
use rpc_core::CloseCode;
use rpc_core::internal::sse::{EventReader, Inbound};
use rpc_core::transport::{LinkError, Received};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use self::acks::Acks;
use self::clocks::Times;
use super::http::Http;
use super::opening::{Opening, told};
use super::posts::Posts;
use super::stream::Stream;
use crate::error::ConnectError;
use crate::opened::Opened;

/// A link over server-sent events as a transport.
pub(crate) struct SseCarrier {
    /// The name of the link, which the hello of the server brings.
    link: Option<HeaderValue>,
    stream: Stream,
    posts: Posts,
    opening: Option<ToOpen>,
    /// The request that opens the link was made, and not polled yet.
    has_begun: bool,
    reader: EventReader,
    inbound: Inbound,
    message: Bytes,
    received: u64,
    acks: Acks,
    /// When the last byte came.
    heard: Instant,
    limits: Times,
    alarm: Pin<Box<Sleep>>,
    /// Set if the server does not know the link any more. The stream may still say why.
    over: Option<Over>,
    close: Close,
}

/// Who waits for the link.
struct ToOpen {
    opened: oneshot::Sender<Result<(), ConnectError>>,
    before: Option<ConnectError>,
    until: Instant,
    time: std::time::Duration,
}

struct Over {
    since: Instant,
    error: ConnectError,
}

/// How this end closes the link.
enum Close {
    No,
    Asked(HeaderValue),
    Done,
}

/// A link that does not work.
enum Failure {
    Opening(ConnectError),
    Broken(ConnectError),
    Violation(&'static str),
    TooLong,
}

impl SseCarrier {
    /// Makes a transport that opens its link when it has the first message. Returns how to hear of that.
    pub(crate) fn new(opening: Opening) -> (Self, Opened) {
        let Opening { attempt, time, before } = opening;
        let (opened, heard_of) = Opened::channel(&attempt);
        let now = Instant::now();
        let reader = EventReader::new(attempt.limits.message_in);
        let carrier = Self {
            link: None,
            limits: Times::of(&attempt.limits),
            stream: Stream::new(Http::new(attempt.clone())),
            posts: Posts::new(Http::new(attempt)),
            opening: Some(ToOpen { opened, before, until: now + time, time }),
            has_begun: false,
            reader,
            inbound: Inbound::default(),
            message: Bytes::new(),
            received: 0,
            acks: Acks::default(),
            heard: now,
            alarm: Box::pin(sleep_until(now + time)),
            over: None,
            close: Close::No,
        };
        (carrier, heard_of)
    }

    /// Ends the link. Who waits for its opening is told why there is none.
    fn fail(&mut self, failure: Failure) -> Received {
        let error = match failure {
            Failure::Violation(reason) => {
                return Received::Failed(LinkError::violation(CloseCode::PROTOCOL, reason));
            }
            Failure::TooLong => {
                let reason = "a message above the limit `message_in`";
                return Received::Failed(LinkError::violation(CloseCode::TOO_BIG, reason));
            }
            Failure::Opening(error) | Failure::Broken(error) => error,
        };
        let text = error.to_string();
        if let Some(ToOpen { opened, before, .. }) = self.opening.take() {
            // Who waited may be gone.
            let _ = opened.send(Err(told(error, before)));
        }
        Received::Failed(io::Error::other(text).into())
    }
}
