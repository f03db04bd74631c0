//! What arrives, and how the link ended.

use std::io;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::judge::{NOT_UTF_8, Refusal};
use super::reader::Arrived;
use crate::error::close::CloseCode;
use crate::transport::{LinkError, Received};
use crate::util::turn_budget::again;

/// A text message as it was read.
///
/// A short one keeps the read buffer it lies in from being used again: let go of it soon.
#[derive(Clone)]
pub struct Text(ByteString);

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        mut allowance: usize,
    ) -> Poll<Received<Text>> {
        loop {
            match self.reader.next() {
                Ok(Arrived::Text(text)) => return Poll::Ready(Received::Text(Text(text))),
                Ok(Arrived::Binary(bytes)) => return Poll::Ready(Received::Binary(bytes)),
                Ok(Arrived::Close(close)) => return Poll::Ready(self.closed(close)),
                Ok(Arrived::Ping(payload)) => {
                    self.pinged(payload);
                    continue;
                }
                Ok(Arrived::Pong) => {
                    self.ponged();
                    continue;
                }
                Ok(Arrived::CloseWaits) => {
                    again(cx);
                    return self.wait(cx);
                }
                Ok(Arrived::Nothing) => {}
                Err(refusal) => return Poll::Ready(self.refused(refusal)),
            }
            if allowance == 0 {
                // Without this a peer with a fast line would keep the thread until a long message is whole.
                again(cx);
                return self.wait(cx);
            }
            match self.reader.poll_fill(&mut self.io, cx, allowance) {
                Poll::Ready(Ok(0)) => return Poll::Ready(left()),
                Poll::Ready(Ok(count)) => allowance -= count,
                Poll::Ready(Err(error)) => return Poll::Ready(Received::Failed(error.into())),
                Poll::Pending => {
                    self.reader.settle();
                    return self.wait(cx);
                }
            }
        }
    }

    fn pinged(&mut self, payload: Bytes) {
        self.unasked_controls += 1;
        if !self.has_said_close {
            self.owes_pongs = true;
            self.writer.pong(payload);
        }
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

    /// The other end closes. It is answered by its own code; what has not begun to leave is dropped.
    fn closed(&mut self, close: Option<(CloseCode, ByteString)>) -> Received<Text> {
        let close = close.map(|(code, reason)| {
            if code.may_be_sent() {
                (code, reason)
            } else {
                (CloseCode::PROTOCOL, ByteString::from_static("Protocol violation"))
            }
        });
        let mut answer = BytesMut::new();
        if let Some((code, reason)) = &close {
            answer.extend_from_slice(&code.value().to_be_bytes());
            answer.extend_from_slice(reason.as_bytes());
        }
        self.say_close(&answer);
        let (code, reason) = close.unzip();
        let reason = reason.map(String::from).unwrap_or_default();
        Received::Closed { code, reason }
    }

    fn refused(&self, refusal: Refusal) -> Received<Text> {
        if self.pings > 0 && refusal == NOT_UTF_8 {
            // Kodi writes the bytes of a pong into a text message.
            tracing::warn!(
                "text that is not UTF-8 came in the place of a pong: for an end that cannot answer pings \
                 set `keepalive` to false"
            );
        }
        Received::Failed(LinkError::violation(refusal.code, refusal.reason))
    }
}

fn left() -> Received<Text> {
    let ended = "the other end left without a close";
    Received::Failed(LinkError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, ended)))
}
