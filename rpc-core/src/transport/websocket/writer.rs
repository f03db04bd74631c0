//! The writing half: from messages to bytes.
//!
//! ```text
//! messages ─▶ fragments ─▶ │ head │ payload │ behind │ ─▶ stream
//! ```
//!
//! Headers and short frames come together in `head`, and leave by one system call. A long payload of a server is not
//! copied: the stream takes it from where the message lies, together with what stands before and behind it. Only control
//! frames come behind a payload. A client copies its payloads, since it has to mask them.
//!
//! The next frame is taken when no more than `write_buffer` bytes are left. So pongs get between the fragments of a long
//! message, and have the rest of `write_buffer_max` for themselves.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::Role;
use super::header::{Header, Opcode};
use super::mask::Mask;

use crate::limits::Limits;
use crate::transport::buffers::output::Output;
use crate::wire::sequence;

/// A payload up to this length is copied: the stream has less to do for one piece than for two.
const SHORT: usize = 4096;

/// The most that one frame carries, unless messages are sent whole.
///
/// A longer message leaves in several, so that pongs get between: the other end would take us for
/// dead while a slow line carries one frame of 4 MiB.
pub(super) const FRAGMENT: usize = 64 * 1024;

/// Messages on their way to the stream.
pub(super) struct Writer {
    /// Whether frames need a mask: they go to a server.
    masks: bool,
    /// The most bytes that may be left when the next frame is taken.
    write_buffer: usize,
    /// The most bytes that pings and pongs may add to.
    write_buffer_max: usize,
    /// Whether no message is cut into fragments.
    whole_frames: bool,
    head: Output,
    payload: Bytes,
    /// Empty without a payload.
    behind: Output,
    /// The part of the last message that was not taken.
    rest: Option<Rest>,
    /// The pong that found no room. Only the last one is kept: a peer that pings and never reads gets no more.
    pong: Option<Bytes>,
    /// Where messages end, in bytes that were ever taken.
    ends: VecDeque<u64>,
    /// The bytes that were ever taken, and those of them that the stream took.
    taken: u64,
    written: u64,
    /// The messages that the stream took to the last byte.
    accepted: u64,
}

/// A part of a message.
struct Rest {
    /// Only the first frame tells what the message is.
    opcode: Opcode,
    bytes: Bytes,
}

impl Writer {
    pub(super) fn new(role: Role, limits: &Limits) -> Self {
        let mut writer = Self {
            masks: role == Role::Client,
            write_buffer: 0,
            write_buffer_max: 0,
            whole_frames: false,
            head: Output::default(),
            payload: Bytes::new(),
            behind: Output::default(),
            rest: None,
            pong: None,
            ends: VecDeque::new(),
            taken: 0,
            written: 0,
            accepted: 0,
        };
        writer.set_limits(limits);
        writer
    }

    /// Sets the limits of what is taken from now on.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.write_buffer = limits.write_buffer;
        self.write_buffer_max = limits.write_buffer_max;
    }

    pub(super) fn set_whole_frames(&mut self) {
        self.whole_frames = true;
    }

    /// Begins with a message, which is UTF-8 if it is `Opcode::Text`. The last message must have been taken whole.
    /// `gathers` tells whether the stream takes several pieces at once.
    #[inline]
    pub(super) fn begin(&mut self, opcode: Opcode, message: Bytes, gathers: bool) {
        debug_assert!(self.rest.is_none(), "`send` before `poll_ready` was ready");
        if message.len() <= SHORT && self.has_room() {
            return self.frame(opcode, true, message, gathers);
        }
        self.rest = Some(Rest { opcode, bytes: message });
        self.take_rest(gathers);
    }

    /// Takes the next frame of the last message, if there is room.
    pub(super) fn take_rest(&mut self, gathers: bool) {
        if !self.has_room() {
            return;
        }
        let Some(Rest { opcode, mut bytes }) = self.rest.take() else { return };
        let mut is_last = true;
        if bytes.len() > FRAGMENT && !self.whole_frames {
            is_last = false;
            let rest = bytes.split_off(FRAGMENT);
            self.rest = Some(Rest { opcode: Opcode::Continuation, bytes: rest });
        }
        self.frame(opcode, is_last, bytes, gathers);
    }

    /// Forgets what was not taken of the last message.
    pub(super) fn cut_short(&mut self) {
        self.rest = None;
    }

    #[inline]
    fn frame(&mut self, opcode: Opcode, is_last: bool, payload: Bytes, gathers: bool) {
        let mask = self.masks.then(Mask::random);
        let head = self.head.end();
        let before = head.len();
        Header::write(head, opcode, is_last, payload.len(), mask);
        let start = head.len();
        self.taken += (start - before + payload.len()) as u64;
        if is_last {
            self.ends.push_back(self.taken);
        }
        if payload.len() > SHORT && gathers && !self.masks {
            self.payload = payload;
            return;
        }
        head.extend_from_slice(&payload);
        if let Some(mask) = mask {
            mask.apply(&mut head[start..]);
        }
    }

    /// Takes several messages as one frame. There must be room, as for [`begin`](Self::begin).
    pub(super) fn sequence(&mut self, messages: &[Bytes]) {
        debug_assert!(self.rest.is_none(), "`send_sequence` before `poll_ready` was ready");
        let length = messages.iter().map(|message| sequence::written_len(message)).sum();
        let mask = self.masks.then(Mask::random);
        let head = self.head.end();
        let before = head.len();
        Header::write(head, Opcode::Text, true, length, mask);
        let start = head.len();
        messages.iter().for_each(|message| sequence::write(message, head));
        if let Some(mask) = mask {
            mask.apply(&mut head[start..]);
        }
        self.taken += (head.len() - before) as u64;
        self.ends.extend(messages.iter().map(|_| self.taken));
    }

    /// Adds a ping. Returns `false` if there is no room: then there is enough for the peer to take already.
    pub(super) fn ping(&mut self) -> bool {
        let fits = self.fits(0);
        if fits {
            self.control(Opcode::Ping, &[]);
        }
        fits
    }

    /// Adds a pong, or keeps it until there is room.
    pub(super) fn pong(&mut self, payload: Bytes) {
        if self.fits(payload.len()) {
            self.control(Opcode::Pong, &payload);
        } else {
            self.pong = Some(payload);
        }
    }

    /// Adds a close. The rest of the last message does not leave.
    pub(super) fn close(&mut self, payload: &[u8]) {
        self.rest = None;
        self.pong = None;
        self.control(Opcode::Close, payload);
    }

    /// Returns whether a control frame fits.
    fn fits(&self, payload: usize) -> bool {
        let header = if self.masks { 6 } else { 2 };
        self.pong.is_none() && self.buffered() + header + payload <= self.write_buffer_max
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        let out = if self.payload.is_empty() { &mut self.head } else { &mut self.behind };
        let out = out.end();
        let mask = self.masks.then(Mask::random);
        let before = out.len();
        Header::write(out, opcode, true, payload.len(), mask);
        let start = out.len();
        out.extend_from_slice(payload);
        if let Some(mask) = mask {
            mask.apply(&mut out[start..]);
        }
        self.taken += (out.len() - before) as u64;
    }

    /// Writes once. Returns how many bytes the stream took.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(io);
        if self.payload.is_empty() {
            return io.poll_write(cx, self.head.unsent());
        }
        let pieces = [self.head.unsent(), &self.payload, self.behind.unsent()].map(IoSlice::new);
        io.poll_write_vectored(cx, &pieces[usize::from(self.head.is_empty())..])
    }

    /// Notes that the stream took this number of bytes.
    pub(super) fn wrote(&mut self, mut bytes: usize) {
        self.written += bytes as u64;
        while self.ends.front().is_some_and(|end| *end <= self.written) {
            self.ends.pop_front();
            self.accepted += 1;
        }
        bytes = self.head.sent(bytes);
        if !self.payload.is_empty() {
            let of_payload = bytes.min(self.payload.len());
            self.payload.advance(of_payload);
            if self.payload.is_empty() {
                self.payload = Bytes::new(); // an empty rest would keep the whole of it alive
                self.behind.sent(bytes - of_payload);
                // The head has left before the payload.
                std::mem::swap(&mut self.head, &mut self.behind);
            }
        }
        if let Some(pong) = self.pong.take() {
            self.pong(pong);
        }
    }

    /// Puts the buffer aside if everything was written: an end at rest keeps no buffer.
    pub(super) fn rest(&mut self) {
        if self.head.is_empty() && self.payload.is_empty() {
            self.head.rest();
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

    /// Returns whether another frame may be taken.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.payload.is_empty() && self.buffered() <= self.write_buffer
    }

    /// Returns whether everything that was taken is written.
    #[inline]
    pub(super) fn is_written(&self) -> bool {
        self.written == self.taken
    }

    /// Returns whether the last message was taken whole.
    #[inline]
    pub(super) fn is_taken(&self) -> bool {
        self.rest.is_none()
    }

    /// Returns the bytes that were taken and not written.
    #[inline]
    pub(super) fn buffered(&self) -> usize {
        (self.taken - self.written) as usize
    }

    /// Returns the bytes of all that is to be written, headers and pongs included: the number bounds memory.
    pub(super) fn backlog(&self) -> usize {
        self.buffered() + self.rest.as_ref().map_or(0, |rest| rest.bytes.len())
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }
}
