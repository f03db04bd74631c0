//! The reading half: from bytes to messages, each of which is read where it lies in the input.
//!
//! A long message lies in the input as well. The input grows as bytes come, whatever length a head declares, and is freed
//! when the link is quiet.

use std::io;
use std::ops::Range;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncRead;

use super::Framing;
use super::head::{Head, line_ends};
use super::lines::{Lines, blank};
use crate::limits::Limits;
use crate::transport::LinkError;
use crate::transport::buffers::input::Input;

/// The bytes that are read at once, at most.
const AT_ONCE: usize = 64 * 1024;

/// The bytes that are read beyond the end of a long message: mostly the begin of the next one.
const BEYOND: usize = 4096;

/// What arrives, and where its messages end.
pub(super) struct Reader {
    framing: Frames,
    message_in: usize,
    /// The bytes that are read at once while no long message arrives.
    read_buffer: usize,
    input: Input,
    /// Where the message that has come last lies in the input.
    message: Range<usize>,
    /// The messages that arrived whole.
    whole: u64,
    /// The bytes that ever arrived.
    bytes: u64,
}

enum Frames {
    Lines(Lines),
    /// The length of the message whose head has come.
    ContentLength(Option<usize>),
}

impl Reader {
    pub(super) fn new(framing: Framing, limits: &Limits) -> Self {
        let framing = match framing {
            Framing::Lines => Frames::Lines(Lines::default()),
            Framing::ContentLength => Frames::ContentLength(None),
        };
        let mut reader = Self {
            framing,
            message_in: 0,
            read_buffer: 0,
            input: Input::default(),
            message: 0..0,
            whole: 0,
            bytes: 0,
        };
        reader.set_limits(limits);
        reader
    }

    /// Sets the limits of what comes from now on.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.message_in = limits.message_in;
        self.read_buffer = limits.read_buffer.clamp(1, AT_ONCE);
    }

    /// Requires the first message to begin like JSON. Heads are never HTTP.
    pub(super) fn refuse_http(&mut self) {
        if let Frames::Lines(lines) = &mut self.framing {
            lines.refuses_http = true;
        }
    }

    /// Takes the next message. Returns whether there is a whole one.
    ///
    /// # Errors
    /// What has arrived breaks a rule.
    #[inline]
    pub(super) fn next(&mut self) -> Result<bool, LinkError> {
        if self.input.is_empty() {
            return Ok(false);
        }
        match &mut self.framing {
            Frames::Lines(lines) => match lines.next(self.input.filled(), self.message_in)? {
                Some(line) => {
                    self.input.take(line.before);
                    self.message = self.input.take(line.message);
                    self.input.take(line.end);
                    self.whole += 1;
                    Ok(true)
                }
                None => {
                    self.input.take(blank(self.input.filled()));
                    Ok(false)
                }
            },
            Frames::ContentLength(_) => self.next_behind_head(),
        }
    }

    fn next_behind_head(&mut self) -> Result<bool, LinkError> {
        let Frames::ContentLength(awaited) = &mut self.framing else { return Ok(false) };
        loop {
            let Some(length) = *awaited else {
                let Some(head) = Head::read(self.input.filled(), self.message_in)? else {
                    self.input.take(line_ends(self.input.filled()));
                    return Ok(false);
                };
                self.input.take(head.size);
                // An empty message is nothing.
                *awaited = Some(head.length).filter(|length| *length > 0);
                continue;
            };
            if self.input.len() < length {
                return Ok(false);
            }
            *awaited = None;
            self.message = self.input.take(length);
            self.whole += 1;
            return Ok(true);
        }
    }

    /// Returns the message that has come last, until more is read.
    #[inline]
    pub(super) fn message(&self) -> &[u8] {
        self.input.taken(self.message.clone())
    }

    /// Reads at most `allowance` bytes. Returns how many bytes came; none at the end of the stream.
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
        allowance: usize,
    ) -> Poll<io::Result<usize>> {
        let room = self.room();
        let most = allowance.min(AT_ONCE);
        let count = ready!(self.input.poll_read(io, cx, room, most))?;
        self.bytes += count as u64;
        Poll::Ready(Ok(count))
    }

    /// Returns how many bytes there must be room for.
    fn room(&self) -> usize {
        let have = self.input.len();
        // The rest of the message, as long as it may be.
        let rest = match &self.framing {
            Frames::ContentLength(Some(length)) => length.saturating_sub(have),
            Frames::Lines(_) if have > 0 => self.message_in.saturating_sub(have),
            Frames::ContentLength(None) | Frames::Lines(_) => return self.read_buffer,
        };
        let most = rest.saturating_add(BEYOND);
        let free = self.input.free();
        if free >= self.read_buffer.min(most) {
            return free.min(most);
        }
        // Twice the memory each time.
        have.max(self.read_buffer).min(most)
    }

    /// Reads and discards. Returns how many bytes came; none at the end of the stream.
    pub(super) fn poll_discard<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.input.take(self.input.len());
        self.message = 0..0;
        let count = ready!(self.input.poll_read(io, cx, self.read_buffer, AT_ONCE))?;
        self.bytes += count as u64;
        Poll::Ready(Ok(count))
    }

    /// Notes that there is nothing more to read for now. A connection at rest keeps no buffer.
    pub(super) fn rest(&mut self) {
        self.input.rest();
        self.message = 0..0;
    }

    /// Frees what a large message left behind.
    pub(super) fn shrink(&mut self) {
        self.input.shrink();
        self.message = 0..0;
    }

    /// Returns the number of the message, from 0, that has begun and is not whole.
    pub(super) fn assembling(&self) -> Option<u64> {
        let has_head = matches!(self.framing, Frames::ContentLength(Some(_)));
        (has_head || !self.input.is_empty()).then_some(self.whole)
    }

    /// Returns the bytes that ever arrived.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the most bytes of a message.
    pub(super) fn message_in(&self) -> usize {
        self.message_in
    }
}
