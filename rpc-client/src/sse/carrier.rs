//! A link over server-sent events and `POST` as the transport of a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use rpc_core::internal::sse::{Event, EventReader, Inbound, Place, headers, hello};
use rpc_core::transport::{LinkError, Received, Transport};
use rpc_core::{CloseCode, Limits};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use super::http::{Http, NO_STREAM};
use super::opening::{Opening, told};
use super::posts::{Posted, Posts, is_final};
use super::stream::{Read, Stream};
use crate::error::ConnectError;
use crate::opened::Opened;

/// Bytes of messages that wait to be posted. Others wait in the outbox, where a cancel can pass them.
const ROOM: usize = 64 * 1024;

/// Bytes of events that are acknowledged at once. The server keeps 256 KiB or more of them.
const UNACKNOWLEDGED: usize = 64 * 1024;

/// How long the client waits for the close of a link that is over, as a request was told.
const LAST_WORD: Duration = Duration::from_secs(1);

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
    time: Duration,
}

/// What is to be acknowledged.
#[derive(Default)]
struct Acks {
    bytes: usize,
    since: Option<Instant>,
    /// The server has asked for a sign of life.
    is_asked: bool,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    ack_after: Duration,
    dead_after: Duration,
    mend: Duration,
}

impl Times {
    fn of(limits: &Limits) -> Self {
        Self { ack_after: limits.ack_after, dead_after: limits.dead_after, mend: limits.mend }
    }
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

    /// Returns the headers of a request of this link.
    fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(3);
        if let Some(link) = &self.link {
            map.insert(HeaderName::from_static(headers::LINK), link.clone());
        }
        map.insert(HeaderName::from_static(headers::RECEIVED), self.inbound.received().into());
        map
    }

    /// Opens the link by its first message.
    fn open(&mut self, hello: Bytes) {
        // It has the time of the whole attempt.
        self.stream.ask(self.headers(), hello, Duration::MAX);
    }

    /// Looks after the requests with messages.
    fn poll_posts(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
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
        let posts = closes || self.posts.has_more() || self.owes_ack();
        if posts {
            self.acks = Acks::default();
            self.posts.post(map, closes);
        }
        posts
    }

    fn owes_ack(&self) -> bool {
        let Acks { bytes, since, is_asked } = &self.acks;
        *is_asked
            || *bytes >= UNACKNOWLEDGED
            || since.is_some_and(|since| since.elapsed() >= self.limits.ack_after)
    }

    /// Returns the next thing that the stream brings.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        allowance: usize,
    ) -> Poll<Result<Received, Failure>> {
        let mut read = 0;
        loop {
            while let Some(event) = self.reader.next_event().map_err(|_| Failure::TooLong)? {
                if let Some(received) = self.take(event)? {
                    return Poll::Ready(Ok(received));
                }
            }
            if read >= allowance {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.stream.poll_read(cx) {
                Poll::Ready(Read::Piece(piece)) => {
                    read += piece.len();
                    self.received += piece.len() as u64;
                    self.heard = Instant::now();
                    self.reader.feed(piece);
                }
                Poll::Ready(Read::Began) => {
                    self.heard = Instant::now();
                    self.received += 1;
                }
                Poll::Ready(Read::Lost) => self.ask_again()?,
                Poll::Ready(Read::Failed(error)) => self.stream_failed(error)?,
                Poll::Pending => {
                    if !self.poll_alarm(cx)? {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Takes an event. Returns what the connection is told, if anything.
    fn take(&mut self, event: Event) -> Result<Option<Received>, Failure> {
        let (number, text) = match event {
            Event::Message { number, text } => (number, text),
            Event::Ping => {
                self.acks.is_asked = true;
                return Ok(None);
            }
            Event::Close(said) => {
                self.close = Close::Done;
                let (code, reason) = said.unzip();
                return Ok(Some(Received::Closed { code, reason: reason.unwrap_or_default() }));
            }
        };
        let number = number.ok_or(Failure::Violation("an event without a number"))?;
        match self.inbound.place(number) {
            Place::Repeated => return Ok(None),
            Place::Gap => return Err(Failure::Violation("an event is missing")),
            Place::Next => {}
        }
        if self.link.is_none() {
            let link = hello::link(&text).and_then(|link| HeaderValue::try_from(link).ok());
            let no_stream = || Failure::Opening(ConnectError::Handshake(NO_STREAM));
            let mut link = link.ok_or_else(no_stream)?;
            link.set_sensitive(true);
            self.link = Some(link);
            // The server has answered the hello, so it has the hello.
            let _ = self.posts.outbound.acknowledge(1);
            if let Some(ToOpen { opened, .. }) = self.opening.take() {
                // Who waited may be gone.
                let _ = opened.send(Ok(()));
            }
        }
        self.inbound.take(number);
        self.stream.heal();
        self.acks.bytes += text.len();
        self.acks.since.get_or_insert_with(Instant::now);
        self.message = text;
        Ok(Some(Received::Text))
    }

    /// The stream is lost: asks for it again.
    fn ask_again(&mut self) -> Result<(), Failure> {
        self.stream.lose();
        self.reader = EventReader::new(self.reader.most());
        if self.link.is_none() {
            return Err(Failure::Opening(ConnectError::Handshake(crate::error::NO_ANSWER)));
        }
        if let Some(over) = self.over.take() {
            return Err(Failure::Broken(over.error));
        }
        if self.stream.lost_for() >= self.limits.mend {
            return Err(Failure::Broken(ConnectError::Timeout(self.limits.mend)));
        }
        self.stream.ask(self.headers(), Bytes::new(), self.limits.mend);
        Ok(())
    }

    fn stream_failed(&mut self, error: ConnectError) -> Result<(), Failure> {
        if self.link.is_none() {
            return Err(Failure::Opening(error));
        }
        let is_conflict =
            matches!(&error, ConnectError::Rejected { status, .. } if status.as_u16() == 409);
        if is_final(&error) || is_conflict || self.stream.lost_for() >= self.limits.mend {
            return Err(Failure::Broken(error));
        }
        self.stream.ask(self.headers(), Bytes::new(), self.limits.mend);
        Ok(())
    }

    /// Looks at the clocks. Returns whether something has changed.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        loop {
            let due = self.due();
            if due < self.alarm.deadline() {
                self.alarm.as_mut().reset(due);
            }
            if self.alarm.as_mut().poll(cx).is_pending() {
                return Ok(false);
            }
            let now = Instant::now();
            if due > now {
                self.alarm.as_mut().reset(due);
                continue;
            }
            if let Some(opening) = &self.opening {
                return Err(Failure::Opening(ConnectError::Timeout(opening.time)));
            }
            if let Some(over) = self.over.take_if(|over| now >= over.since + LAST_WORD) {
                return Err(Failure::Broken(over.error));
            }
            if self.stream.is_reading() && now >= self.heard + self.limits.dead_after {
                self.ask_again()?;
                self.heard = now;
                return Ok(true);
            }
            self.poll_posts(cx)?;
        }
    }

    /// Returns when the clocks are to be looked at next.
    fn due(&self) -> Instant {
        if let Some(opening) = &self.opening {
            return opening.until;
        }
        if let Some(over) = &self.over {
            return over.since + LAST_WORD;
        }
        // A stream that was asked for has its own clock.
        let silent = if self.stream.is_reading() { self.heard } else { Instant::now() };
        let silent = silent + self.limits.dead_after;
        let ack = self.acks.since.filter(|_| self.posts.is_idle());
        ack.map_or(silent, |since| silent.min(since + self.limits.ack_after))
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
            self.open(message);
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
