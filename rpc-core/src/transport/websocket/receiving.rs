//! What arrives, and how the link ended.

use std::io;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::judge::Refusal;
use super::reader::Arrived;
use crate::error::close::CloseCode;
use crate::transport::{LinkError, Received};
use crate::util::runtime::again;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        mut allowance: usize,
    ) -> Poll<Received> {
        loop {
            match self.reader.next() {
                Ok(Arrived::Text) => return Poll::Ready(Received::Text),
                Ok(Arrived::Binary) => return Poll::Ready(Received::Binary),
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
                Err(Refusal { code, reason }) => {
                    return Poll::Ready(Received::Failed(LinkError::violation(code, reason)));
                }
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
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        if self.owes_pongs {
            // A failure is not reported here: what the peer sent before it hung up may still be
            // readable, and counts for more. Reading or the next flush will tell.
            let _ = self.poll_drained(cx);
        }
        Poll::Pending
    }

    /// The other end closes. It is answered by its own code; what has not begun to leave is dropped.
    fn closed(&mut self, close: Option<(CloseCode, String)>) -> Received {
        let close = close.map(|(code, reason)| {
            if code.may_be_sent() {
                (code, reason)
            } else {
                (CloseCode::PROTOCOL, "Protocol violation".to_owned())
            }
        });
        let mut answer = Vec::new();
        if let Some((code, reason)) = &close {
            answer.put_u16(code.value());
            answer.put_slice(reason.as_bytes());
        }
        self.say_close(&answer);
        let (code, reason) = close.unzip();
        Received::Closed { code, reason: reason.unwrap_or_default() }
    }
}

fn left() -> Received {
    let ended = "the other end left without a close";
    Received::Failed(LinkError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, ended)))
}
