//! The reading half: from the wire to messages, and how the link ended.

use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

use super::WebSocket;
use super::blocking::Reading;
use super::errors::{is_blocked, link_error};
use crate::error::close::CloseCode;
use crate::transport::{LinkError, Received};

/// So much is read at once when nothing was read ahead.
const FIRST: usize = 4096;

/// A text message as it was read.
///
/// A short one keeps the read buffer it lies in from being used again: let go of it soon.
#[derive(Clone)]
pub struct Text(Utf8Bytes);

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.0.as_str()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        mut allowance: usize,
    ) -> Poll<Received<Text>> {
        let mut space = [const { MaybeUninit::uninit() }; FIRST];
        let mut first = ReadBuf::uninit(&mut space[..allowance.min(FIRST)]);
        match self.poll_first(cx, &mut first) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(self.ended(error.into())),
            Poll::Pending => return self.wait(cx),
        }
        let mut first = first.filled();
        let carried = self.carried();
        loop {
            let (wire, allowance) = (&mut self.wire, &mut allowance);
            let context = self.engine.context(carried);
            let read = context.read(&mut Reading { first: &mut first, wire, cx, allowance });
            self.taken += u64::from(read.is_ok());
            match read {
                Ok(Message::Ping(payload)) => self.pinged(payload.len()),
                Ok(Message::Pong(_)) => self.ponged(),
                Ok(message) => {
                    self.wire.keep(first);
                    return Poll::Ready(received(message));
                }
                Err(error) if is_blocked(&error) => {
                    self.wire.keep(first);
                    return self.wait(cx);
                }
                Err(error) => return Poll::Ready(self.ended(error)),
            }
        }
    }

    /// Reads what arrives when tungstenite holds nothing; if it holds something, that is for it to
    /// go on with.
    ///
    /// tungstenite fills its buffer with zeros for each attempt to read, also for the one that finds
    /// nothing and ends each turn; so it is asked only when there is something.
    fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        first: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if first.capacity() == 0 || !self.nothing_is_read_ahead() {
            return Poll::Ready(Ok(()));
        }
        self.wire.poll_first(cx, first)
    }

    /// tungstenite has taken the answer into its buffer, or will; only the last one if that is
    /// full, so that a peer which pings and never reads costs no more than the buffer.
    fn pinged(&mut self, payload: usize) {
        self.unasked_controls += 1;
        self.owes_pongs = true;
        self.count_handed(payload);
    }

    fn ponged(&mut self) {
        match self.pings.checked_sub(1) {
            Some(pings) => {
                self.pings = pings;
                self.answered_pings += 1;
            }
            None => self.unasked_controls += 1,
        }
    }

    /// Nothing more can be read now: time to answer the pings that were.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Received<Text>> {
        if self.owes_pongs {
            // A failure is not reported here: what the peer sent before it hung up may still be
            // readable, and counts for more. Reading or the next flush will tell.
            let _ = self.poll_drained(cx);
        }
        Poll::Pending
    }

    fn ended(&self, error: Error) -> Received<Text> {
        if let Some(refusal) = self.wire.incoming().refusal() {
            return Received::Failed(LinkError::violation(refusal.code, refusal.reason));
        }
        if self.pings > 0 && matches!(error, Error::Utf8(_)) {
            // Kodi writes the bytes of a pong into a text message.
            tracing::warn!(
                "text that is not UTF-8 came in the place of a pong: for an end that cannot answer pings \
                 set `keepalive` to false"
            );
        }
        Received::Failed(link_error(error))
    }
}

fn received(message: Message) -> Received<Text> {
    match message {
        Message::Text(text) => Received::Text(Text(text)),
        Message::Close(frame) => closed(frame),
        // Of these only `Binary` is ever read here: `Frame` is how raw frames are written.
        binary => Received::Binary(binary.into_data()),
    }
}

fn closed(frame: Option<CloseFrame>) -> Received<Text> {
    let code = frame.as_ref().map(|frame| CloseCode::new(frame.code.into()));
    let reason = frame.map(|frame| frame.reason.as_str().to_owned()).unwrap_or_default();
    Received::Closed { code, reason }
}
