//! The writing half: from messages to the wire.
//!
//! tungstenite's write buffer never shrinks and is moved forward after each write, so it is kept
//! short: the next frame is handed over when no more than `write_buffer` bytes are left in it. With
//! frames of at most 64 KiB that leaves half of `write_buffer_max` for pongs. Whole frames make it longer.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::WebSocket;
use super::blocking::{Blocked, Writing};
use super::errors::{is_blocked, link_error};
use super::fragments::Fragments;
use crate::transport::LinkError;

/// The longest header of a frame.
const HEADER: usize = 14;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Ready when the last message was handed over whole and the buffer has room for another.
    pub(super) fn poll_room_for_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LinkError>> {
        while !self.unsent.is_empty() {
            ready!(self.poll_room(cx))?;
            if !self.hand_over()? {
                ready!(self.poll_drained(cx))?;
            }
        }
        self.poll_room(cx)
    }

    /// Ready when the wire took every byte of every message.
    pub(super) fn poll_all_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        loop {
            ready!(self.poll_drained(cx))?;
            if self.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.hand_over()?;
        }
    }

    /// Gives tungstenite the next frame, if there is one; false if that did not fit.
    pub(super) fn hand_over(&mut self) -> Result<bool, LinkError> {
        if !self.engine.can_write() {
            // The other end has closed and will read nothing. As an error this would end the link
            // before that close was answered; as it is, the message is just never accepted.
            self.unsent = Fragments::default();
        }
        let Some(frame) = self.unsent.take() else {
            return Ok(true);
        };
        let (length, carried) = (frame.payload().len(), self.carried());
        match self.engine.context(carried).write(&mut Blocked, Message::Frame(frame)) {
            Err(Error::WriteBufferFull(message)) => {
                if let Message::Frame(frame) = *message {
                    self.unsent.put_back(frame);
                }
                return Ok(false);
            }
            // It is in the buffer; what blocked is the attempt to write that.
            Err(error) if !is_blocked(&error) => return Err(link_error(error)),
            _ => self.count_handed(length),
        }
        Ok(true)
    }

    /// Lets the write buffer hold one frame of so many bytes behind what may be left in it, if messages leave
    /// whole: a frame that never fits would wait for ever.
    pub(super) fn make_room_for_whole(&mut self, payload: usize) {
        let needed = self.engine.config().write_buffer_size.saturating_add(HEADER + payload);
        if self.whole_frames && needed > self.engine.config().max_write_buffer_size {
            self.engine.configure(self.engine.config().max_write_buffer_size(needed));
        }
    }

    /// A ping, unless it would have to wait: then there is enough for the peer to take already.
    pub(super) fn hand_over_ping(&mut self) -> Result<(), LinkError> {
        if !self.engine.can_write() {
            return Ok(());
        }
        let carried = self.carried();
        match self.engine.context(carried).write(&mut Blocked, Message::Ping(Bytes::new())) {
            Err(Error::WriteBufferFull(_)) => return Ok(()),
            Err(error) if !is_blocked(&error) => return Err(link_error(error)),
            _ => {}
        }
        self.pings += 1;
        self.count_handed(0);
        Ok(())
    }

    /// How many bytes came in or were to go out so far.
    pub(super) fn carried(&self) -> u64 {
        self.wire.incoming().bytes() + self.handed
    }

    /// Notes that a frame with `payload` bytes goes into tungstenite's buffer.
    pub(super) fn count_handed(&mut self, payload: usize) {
        self.handed += (HEADER + payload) as u64;
    }

    /// The most that tungstenite's write buffer can hold now.
    pub(super) fn buffered(&self) -> usize {
        // Pongs that found it full were counted, and replaced by later ones.
        let buffered = self.handed.saturating_sub(self.wire.written());
        usize::try_from(buffered)
            .unwrap_or(usize::MAX)
            .min(self.engine.config().max_write_buffer_size)
    }

    /// Ready when the buffer is short enough for another frame.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let enough = self.engine.config().write_buffer_size;
        if self.buffered() <= enough {
            return Poll::Ready(Ok(()));
        }
        match self.poll_drained(cx) {
            Poll::Pending if self.buffered() <= enough => Poll::Ready(Ok(())),
            poll => poll,
        }
    }

    /// Ready when tungstenite's write buffer is empty, no pong is left to write, and the wire is
    /// flushed.
    pub(super) fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        loop {
            let before = self.wire.written();
            let Some(context) = self.engine.busy() else {
                return self.wire.poll_flush(cx).map_err(LinkError::from);
            };
            match context.flush(&mut Writing { wire: &mut self.wire, cx }) {
                Err(error) if is_blocked(&error) => return Poll::Pending,
                // All was written, and since the close frames are exchanged nothing will be.
                Ok(()) | Err(Error::ConnectionClosed) => {}
                Err(error) => return Poll::Ready(Err(link_error(error))),
            }
            // One flush is not enough: a pong or the answer to a close that did not fit into the
            // full buffer goes into the emptied one only with the next.
            if self.wire.written() == before {
                self.handed = before;
                self.owes_pongs = false;
                if self.engine.can_write() && self.nothing_is_read_ahead() {
                    self.engine.put_aside(self.carried());
                }
                return Poll::Ready(Ok(()));
            }
        }
    }
}
