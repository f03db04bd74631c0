//! What leaves, and when.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::header::Opcode;
use crate::transport::LinkError;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Begins with a message. Behind a close it is dropped: the other end will read nothing. As an error this would end
    /// the link before that close was answered; as it is, the message is just never accepted.
    #[inline] // into the generic transport, which other crates compile
    pub(super) fn begin(&mut self, opcode: Opcode, message: Bytes) {
        if !self.has_said_close {
            self.writer.begin(opcode, message, self.io.is_write_vectored());
        }
    }

    /// Sends a ping, unless it would have to wait: then there is enough for the peer to take already.
    pub(super) fn begin_ping(&mut self) {
        if !self.has_said_close && self.writer.ping() {
            self.pings += 1;
        }
    }

    /// Ready when the last message was taken whole and there is room for another.
    #[inline] // as `begin`
    pub(super) fn poll_room_for_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LinkError>> {
        loop {
            while !self.writer.has_room() {
                ready!(self.poll_write(cx))?;
            }
            if self.writer.is_taken() {
                return Poll::Ready(Ok(()));
            }
            self.writer.take_rest(self.io.is_write_vectored());
        }
    }

    /// Ready when the stream took every byte of every message.
    pub(super) fn poll_all_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        loop {
            ready!(self.poll_drained(cx))?;
            if self.writer.is_taken() {
                return Poll::Ready(Ok(()));
            }
            self.writer.take_rest(self.io.is_write_vectored());
        }
    }

    /// Ready when all that was taken is written, no pong is left to write, and the stream is flushed.
    pub(super) fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        while !self.writer.is_written() {
            ready!(self.poll_write(cx))?;
        }
        self.owes_pongs = false;
        self.writer.rest();
        Pin::new(&mut self.io).poll_flush(cx).map_err(LinkError::from)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        match ready!(self.writer.poll_write(&mut self.io, cx))? {
            0 => Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
            count => {
                self.writer.wrote(count);
                Poll::Ready(Ok(()))
            }
        }
    }
}
