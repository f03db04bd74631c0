//! The writing half: from messages to bytes.
//!
//! ```text
//! messages ─▶ │ head │ payload │ behind │ ─▶ stream
//! ```
//!
//! Short messages come together in `head`, and leave by one system call. A long message is not copied: the stream takes
//! it from where it lies, together with what stands before and behind it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use memchr::memchr2;
use tokio::io::AsyncWrite;

use super::Framing;
use crate::limits::Limits;
use crate::transport::buffers::output::Output;

/// A message up to this length is copied: the stream has less to do for one piece than for two.
const SHORT: usize = 4096;

/// Messages on their way to the stream.
pub(super) struct Writer {
    framing: Framing,
    /// The most bytes that may be left when the next message is taken.
    write_buffer: usize,
    head: Output,
    /// A long message.
    payload: Bytes,
    /// The end of the long message; empty without one.
    behind: Output,
    /// Where messages end, in bytes that were ever taken.
    ends: VecDeque<u64>,
    /// The bytes that were ever taken, and those of them that the stream took.
    taken: u64,
    written: u64,
    /// The messages that the stream took to the last byte.
    accepted: u64,
}

impl Writer {
    pub(super) fn new(framing: Framing, limits: &Limits) -> Self {
        Self {
            framing,
            write_buffer: limits.write_buffer,
            head: Output::default(),
            payload: Bytes::new(),
            behind: Output::default(),
            ends: VecDeque::new(),
            taken: 0,
            written: 0,
            accepted: 0,
        }
    }

    /// Sets the limits of what is taken from now on.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.write_buffer = limits.write_buffer;
    }

    /// Begins with a message. There must be room.
    pub(super) fn begin(&mut self, message: Bytes) {
        debug_assert!(self.payload.is_empty(), "`send` before `poll_ready` was ready");
        let message = match self.framing {
            Framing::Lines => in_one_line(message),
            Framing::ContentLength => message,
        };
        let head = self.head.end();
        let before = head.len();
        if self.framing == Framing::ContentLength {
            head.extend_from_slice(b"Content-Length: ");
            head.extend_from_slice(itoa::Buffer::new().format(message.len()).as_bytes());
            head.extend_from_slice(b"\r\n\r\n");
        }
        let is_long = message.len() > SHORT;
        if !is_long {
            head.extend_from_slice(&message);
        }
        let mut count = head.len() - before;
        let end = if is_long {
            count += message.len();
            self.payload = message;
            &mut self.behind
        } else {
            &mut self.head
        };
        if self.framing == Framing::Lines {
            end.end().push(b'\n');
            count += 1;
        }
        self.taken += count as u64;
        self.ends.push_back(self.taken);
    }

    /// Writes once.
    ///
    /// # Errors
    /// The stream is broken, or takes nothing more.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let io = Pin::new(io);
        let written = if self.payload.is_empty() {
            ready!(io.poll_write(cx, self.head.unsent()))?
        } else {
            let pieces =
                [self.head.unsent(), &self.payload, self.behind.unsent()].map(IoSlice::new);
            ready!(io.poll_write_vectored(cx, &pieces[usize::from(self.head.is_empty())..]))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.wrote(written);
        Poll::Ready(Ok(()))
    }

    /// Notes that the stream took this number of bytes.
    fn wrote(&mut self, mut bytes: usize) {
        self.written += bytes as u64;
        while self.ends.front().is_some_and(|end| *end <= self.written) {
            self.ends.pop_front();
            self.accepted += 1;
        }
        bytes = self.head.sent(bytes);
        if self.payload.is_empty() {
            return;
        }
        let of_payload = bytes.min(self.payload.len());
        self.payload.advance(of_payload);
        if self.payload.is_empty() {
            self.payload = Bytes::new(); // an empty rest would keep the whole of it alive
            self.behind.sent(bytes - of_payload);
            // The head has left before the payload.
            std::mem::swap(&mut self.head, &mut self.behind);
        }
    }

    /// Puts the buffer aside if everything was written: an end at rest keeps no buffer.
    pub(super) fn rest(&mut self) {
        if self.is_written() {
            self.head.rest();
            self.behind.rest();
        }
    }

    /// Frees what large messages left behind.
    pub(super) fn shrink(&mut self) {
        if self.is_written() {
            self.head = Output::default();
            self.behind = Output::default();
            self.ends = VecDeque::new();
        }
    }

    /// Returns whether another message may be taken.
    pub(super) fn has_room(&self) -> bool {
        self.payload.is_empty() && self.backlog() <= self.write_buffer
    }

    /// Returns whether everything that was taken is written.
    pub(super) fn is_written(&self) -> bool {
        self.written == self.taken
    }

    /// Returns the bytes that were taken and not written.
    pub(super) fn backlog(&self) -> usize {
        (self.taken - self.written) as usize
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }
}

/// Returns the message without line ends. In JSON they stand between tokens only, where a space means the same.
fn in_one_line(message: Bytes) -> Bytes {
    let Some(first) = memchr2(b'\n', b'\r', &message) else { return message };
    let mut line = message.to_vec();
    for byte in &mut line[first..] {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.into()
}
