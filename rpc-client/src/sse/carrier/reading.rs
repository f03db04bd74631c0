//! The way down: events, and a stream that is asked for again when it is lost.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HeaderValue;
use rpc_core::internal::sse::{Event, EventReader, Place, hello};
use rpc_core::transport::Received;
use tokio::time::Instant;

use super::{Close, Failure, SseCarrier, ToOpen};
use crate::error::ConnectError;
use crate::sse::http::NO_STREAM;
use crate::sse::posts::is_final;
use crate::sse::stream::Read;

impl SseCarrier {
    /// Returns the next thing that the stream brings.
    pub(super) fn poll_next(
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
                self.acks.ask();
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
        self.acks.note(text.len());
        self.message = text;
        Ok(Some(Received::Text))
    }

    /// The stream is lost: asks for it again.
    pub(super) fn ask_again(&mut self) -> Result<(), Failure> {
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
}
