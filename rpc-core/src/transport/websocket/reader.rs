//! The reading half: from bytes to messages.
//!
//! ```text
//!            ┌─▶ input ──── a short frame, whole ─────────────▶ the message is a part of the input
//! stream ────┤     └─────── the begin of a long one ──┐
//!            └─▶ assembly ◀────────────────────────────┘─────▶ the message is the assembly
//! ```
//!
//! What is short waits in `input` until it is whole, and its message is read where it lies. What is long, or a part of a
//! message, is gathered in `assembly`, into which the stream is read directly: a long message is copied by nobody but the
//! system, its mask is taken off where it lies, and its text is checked once.
//!
//! A header may lie about the length; so memory is taken as bytes come.

use std::io;
use std::ops::Range;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Role;
use super::assembly::{Assembly, Frame};
use super::header::{CONTROL_MAX, Header, LONGEST, Opcode, begins_data};

use super::judge::{Judge, NOT_UTF_8, Refusal, protocol};
use super::mask::Mask;
use crate::error::close::CloseCode;
use crate::limits::Limits;
use crate::transport::buffers::input::Input;

/// A frame up to this length waits in the input until it is whole.
const SHORT: usize = 4096;

/// What arrives, and whether it may go on.
pub(super) struct Reader {
    judge: Judge,
    /// The bytes that are read at once while no long frame arrives.
    read_at_once: usize,
    /// Bytes that were read and belong to no message yet.
    input: Input,
    /// The message that has come last.
    message: Message,
    /// The message that is being assembled.
    assembly: Option<Box<Assembly>>,
    /// The messages that arrived whole.
    whole: u64,
    /// A message arrived since there was last nothing to read.
    is_unsettled: bool,
    /// The bytes that ever arrived.
    bytes: u64,
    /// While arriving frames are discarded: the bytes of the last frame that are still to come, and whether it is the
    /// close.
    discarding: Option<Discarded>,
    /// Whether the other end's close frame has arrived.
    is_closed: bool,
}

/// Where a whole message lies.
enum Message {
    /// In the input.
    Short(Range<usize>),
    Assembled(Box<Assembly>),
}

#[derive(Clone, Copy, Default)]
struct Discarded {
    left: u64,
    is_close: bool,
}

/// What has arrived.
#[derive(Debug)]
pub(super) enum Arrived {
    /// A whole message, which [`Reader::message`] returns.
    Text,
    /// The same, but the message is not marked as text.
    Binary,
    Ping(Bytes),
    Pong,
    /// A close: its code, if it has one, and its reason.
    Close(Option<(CloseCode, String)>),
    /// A close, which is taken the next time: messages have come right before it.
    CloseWaits,
    /// Nothing that is whole.
    Nothing,
}

impl Reader {
    /// Creates a reader for an end of this role, which has read `already_read`.
    pub(super) fn new(role: Role, already_read: Bytes, limits: &Limits) -> Self {
        let mut reader = Self {
            judge: Judge::new(role, limits),
            read_at_once: 0,
            bytes: already_read.len() as u64,
            input: Input::new(already_read.into()),
            message: Message::Short(0..0),
            assembly: None,
            whole: 0,
            is_unsettled: false,
            discarding: None,
            is_closed: false,
        };
        reader.set_limits(limits);
        reader
    }

    /// Sets the limits of what comes from now on.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.judge.set_limits(limits);
        self.read_at_once = limits.read_buffer.max(LONGEST + CONTROL_MAX);
    }

    /// Takes what has arrived.
    ///
    /// # Errors
    /// What has arrived breaks a rule.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Arrived, Refusal> {
        if matches!(self.message, Message::Assembled(_)) {
            self.message = Message::Short(0..0);
        }
        if self.assembly.is_none() {
            if self.take_short_text() {
                return Ok(Arrived::Text);
            }
            if self.input.is_empty() {
                return Ok(Arrived::Nothing);
            }
        }
        self.next_of_any_kind()
    }

    /// Returns the message that has come last, until the next is taken.
    #[inline]
    pub(super) fn message(&self) -> &[u8] {
        match &self.message {
            Message::Short(place) => self.input.taken(place.clone()),
            Message::Assembled(message) => &message.buffer,
        }
    }

    /// Takes the message that has come last. A long one is not copied.
    pub(super) fn take_message(&mut self) -> Bytes {
        match std::mem::replace(&mut self.message, Message::Short(0..0)) {
            Message::Short(place) => Bytes::copy_from_slice(self.input.taken(place)),
            Message::Assembled(message) => message.buffer.into(),
        }
    }

    /// Takes a message of text that is a single short frame and has come as a whole. Most are like this.
    #[inline]
    fn take_short_text(&mut self) -> bool {
        const TEXT: u8 = 0x81;
        let [TEXT, second, rest @ ..] = self.input.filled_mut() else { return false };
        let length = usize::from(*second & 0x7f);
        let is_masked = *second & 0x80 != 0;
        let is_usual = length <= CONTROL_MAX
            && is_masked == self.judge.masked
            && length as u64 <= self.judge.message_in
            && self.judge.fragments_max > 0;
        if !is_usual {
            return false;
        }
        let mut size = 2;
        if is_masked {
            let Some((key, rest)) = rest.split_first_chunk_mut() else { return false };
            let Some(payload) = rest.get_mut(..length) else { return false };
            Mask::new(*key).apply(payload);
            size += key.len();
        } else if rest.len() < length {
            return false;
        }
        self.finish_short(size, length);
        true
    }

    /// Takes a frame off the input, whose payload is a message.
    #[inline]
    fn finish_short(&mut self, header: usize, length: usize) {
        self.input.take(header);
        self.message = Message::Short(self.input.take(length));
        self.count_message();
    }

    fn count_message(&mut self) {
        self.whole += 1;
        self.is_unsettled = true;
    }

    #[inline(never)]
    fn next_of_any_kind(&mut self) -> Result<Arrived, Refusal> {
        loop {
            if self.frame().is_some() {
                self.gather();
                let Some(frame) =
                    self.assembly.as_mut().and_then(|it| it.frame.take_if(|it| it.left == 0))
                else {
                    return Ok(Arrived::Nothing);
                };
                match self.end_frame(frame.is_last)? {
                    Some(message) => return Ok(message),
                    None => continue,
                }
            }
            let Some(header) = Header::read(self.input.filled()) else {
                return Ok(Arrived::Nothing);
            };
            self.judge.judge(&header, self.assembly.as_deref())?;
            if header.opcode.is_control() {
                let length = header.length as usize;
                if self.input.len() < header.size + length {
                    return Ok(Arrived::Nothing);
                }
                if header.opcode == Opcode::Close && std::mem::take(&mut self.is_unsettled) {
                    return Ok(Arrived::CloseWaits);
                }
                self.unmask(&header, length);
                self.input.take(header.size);
                let payload = self.input.take(length);
                return self.control(header.opcode, payload);
            }
            if let Some(length) = self.short_message(&header) {
                if self.input.len() < header.size + length {
                    return Ok(Arrived::Nothing);
                }
                self.unmask(&header, length);
                self.finish_short(header.size, length);
                return Ok(arrived(header.opcode == Opcode::Text));
            }
            self.begin_frame(&header);
        }
    }

    /// Returns the length of a frame that is a message by itself, if the frame is short.
    fn short_message(&self, header: &Header) -> Option<usize> {
        let is_message = header.is_last && self.assembly.is_none();
        let length = usize::try_from(header.length).ok()?;
        (is_message && length <= SHORT - header.size).then_some(length)
    }

    /// Takes the mask off a frame that the input begins with.
    fn unmask(&mut self, header: &Header, length: usize) {
        if let Some(mask) = header.mask {
            mask.apply(&mut self.input.filled_mut()[header.size..][..length]);
        }
    }

    fn control(&mut self, opcode: Opcode, payload: Range<usize>) -> Result<Arrived, Refusal> {
        let payload = self.input.taken(payload);
        Ok(match opcode {
            Opcode::Ping => Arrived::Ping(Bytes::copy_from_slice(payload)),
            Opcode::Pong => Arrived::Pong,
            _ => {
                let close = close(payload)?;
                self.is_closed = true;
                Arrived::Close(close)
            }
        })
    }

    /// Begins to gather the payload of a frame.
    fn begin_frame(&mut self, header: &Header) {
        self.input.take(header.size);
        let assembly = self
            .assembly
            .get_or_insert_with(|| Box::new(Assembly::new(header.opcode == Opcode::Text)));
        assembly.fragments += 1;
        assembly.size = assembly.size.saturating_add(header.length);
        let Header { is_last, length, mask, .. } = *header;
        assembly.frame = Some(Frame { is_last, left: length, mask });
    }

    /// Returns the frame that is read into the assembly.
    fn frame(&self) -> Option<Frame> {
        self.assembly.as_ref()?.frame
    }

    /// Moves what the input has of a frame to the assembly.
    fn gather(&mut self) {
        let Some((frame, assembly)) = self.frame().zip(self.assembly.as_mut()) else { return };
        let here =
            usize::try_from(frame.left).map_or(self.input.len(), |left| left.min(self.input.len()));
        if here == 0 {
            return;
        }
        if assembly.buffer.capacity() == 0 {
            assembly.reserve(frame.left, frame.is_last);
        }
        let start = assembly.buffer.len();
        let place = self.input.take(here);
        assembly.buffer.extend_from_slice(self.input.taken(place));
        self.gathered(start);
    }

    /// Takes the mask off what has come since the assembly had `start` bytes.
    fn gathered(&mut self, start: usize) {
        let Some(Assembly { buffer, frame: Some(frame), .. }) = self.assembly.as_deref_mut() else {
            return;
        };
        let come = &mut buffer[start..];
        frame.left -= come.len() as u64;
        if let Some(mask) = &mut frame.mask {
            mask.apply(come);
            *mask = mask.after(come.len());
        }
    }

    /// Ends a frame whose payload has come. Returns the message if it was the last one.
    fn end_frame(&mut self, is_last: bool) -> Result<Option<Arrived>, Refusal> {
        if !is_last {
            if let Some(assembly) = &mut self.assembly {
                assembly.check()?;
            }
            return Ok(None);
        }
        let Some(assembly) = self.assembly.take() else { return Ok(None) };
        self.count_message();
        let arrived = arrived(assembly.is_text);
        self.message = Message::Assembled(assembly);
        Ok(Some(arrived))
    }

    /// Reads at most `allowance` bytes. Returns how many bytes came; none at the end of the stream.
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
        allowance: usize,
    ) -> Poll<io::Result<usize>> {
        let frame = self.frame();
        let count = match (&mut self.assembly, frame) {
            (Some(assembly), Some(frame)) if self.input.is_empty() => {
                let start = assembly.buffer.len();
                let most = assembly.reserve(frame.left, frame.is_last).min(allowance);
                let count = ready!(poll_read(io, cx, &mut assembly.buffer, most))?;
                let come = u64::try_from(count).unwrap_or(u64::MAX);
                if let Some(beyond) = come.checked_sub(frame.left).filter(|beyond| *beyond > 0) {
                    let end = assembly.buffer.len() - beyond as usize;
                    self.input.put(&assembly.buffer[end..], self.read_at_once);
                    assembly.buffer.truncate(end);
                }
                self.gathered(start);
                count
            }
            _ => {
                let room = self.room();
                ready!(self.input.poll_read(io, cx, room, allowance))?
            }
        };
        self.bytes += count as u64;
        Poll::Ready(Ok(count))
    }

    /// Returns how many bytes the input reads at once.
    fn room(&self) -> usize {
        let have = self.input.len();
        if have == 0 {
            return self.read_at_once;
        }
        let wanted = match Header::read(self.input.filled()) {
            Some(header) if have < SHORT => {
                SHORT.min(header.size.saturating_add(header.length as usize))
            }
            _ => 0,
        };
        self.read_at_once.max(wanted).saturating_sub(have).max(LONGEST)
    }

    /// Notes that there is nothing more to read for now. A connection at rest keeps no buffer.
    pub(super) fn settle(&mut self) {
        self.is_unsettled = false;
        self.input.rest();
        self.message = Message::Short(0..0);
    }

    /// Frees what a large message left behind.
    pub(super) fn shrink(&mut self) {
        self.input.shrink();
        self.message = Message::Short(0..0);
    }

    /// Reads and discards, also after a refusal. Returns how many bytes came; none at the end of the stream.
    pub(super) fn poll_discard<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let room = self.room();
        let count = ready!(self.input.poll_read(io, cx, room, usize::MAX))?;
        self.bytes += count as u64;
        self.discard();
        Poll::Ready(Ok(count))
    }

    /// Discards what was read. No message comes any more.
    pub(super) fn discard(&mut self) {
        let frame = self.assembly.take().and_then(|assembly| assembly.frame);
        let of_frame = Discarded { left: frame.map_or(0, |frame| frame.left), is_close: false };
        let discarded = self.discarding.get_or_insert(of_frame);
        loop {
            let here = usize::try_from(discarded.left)
                .map_or(self.input.len(), |left| left.min(self.input.len()));
            self.input.take(here);
            discarded.left -= here as u64;
            if discarded.left > 0 {
                return;
            }
            self.is_closed |= discarded.is_close;
            let Some(header) = Header::read(self.input.filled()) else { return };
            self.input.take(header.size);
            let is_close = header.opcode == Opcode::Close;
            *discarded = Discarded { left: header.length, is_close };
        }
    }

    /// Returns the number of the message, from 0, that has begun, with its very first byte, and is not whole.
    pub(super) fn assembling(&self) -> Option<u64> {
        let begun = self.assembly.is_some()
            || self.input.filled().first().is_some_and(|&first| begins_data(first));
        begun.then_some(self.whole)
    }

    /// Returns whether the close frame of the other end has arrived.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Returns the bytes that ever arrived.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the most bytes of a message.
    pub(super) fn message_in(&self) -> u64 {
        self.judge.message_in
    }
}

const fn arrived(is_text: bool) -> Arrived {
    if is_text { Arrived::Text } else { Arrived::Binary }
}

/// Reads the payload of a close.
fn close(mut payload: &[u8]) -> Result<Option<(CloseCode, String)>, Refusal> {
    match payload.len() {
        0 => Ok(None),
        1 => Err(protocol("a close frame with half a code")),
        _ => {
            let code = CloseCode::new(payload.get_u16());
            let reason = str::from_utf8(payload).map_err(|_| NOT_UTF_8)?;
            Ok(Some((code, reason.to_owned())))
        }
    }
}

/// Reads at most `most` bytes to the end of `buffer`, which has room for them.
fn poll_read<S: AsyncRead + Unpin>(
    io: &mut S,
    cx: &mut Context<'_>,
    buffer: &mut impl BufMut,
    most: usize,
) -> Poll<io::Result<usize>> {
    pin!(io.read_buf(&mut buffer.limit(most))).poll(cx)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    fn limits(message_in: usize, fragments: usize) -> Limits {
        let mut limits = Limits::server();
        (limits.message_in, limits.fragments) = (message_in, fragments);
        limits
    }

    /// Reads what comes, in pieces that end at `cuts`, and tells all that arrives until the first refusal.
    fn read(
        reader: &mut Reader,
        stream: &[u8],
        cuts: &[usize],
        next: fn(&mut Reader) -> Result<Arrived, Refusal>,
    ) -> Vec<String> {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut told = Vec::new();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        ends.push(stream.len());
        ends.sort_unstable();
        let mut start = 0;
        for end in ends {
            let mut piece = &stream[start..end];
            start = end;
            loop {
                match next(reader) {
                    Ok(Arrived::Nothing) if piece.is_empty() => break,
                    Ok(Arrived::Nothing) => {
                        let read = reader.poll_fill(&mut piece, cx, usize::MAX);
                        assert!(
                            matches!(read, Poll::Ready(Ok(1..))),
                            "there is room for what comes"
                        );
                    }
                    Ok(arrived @ (Arrived::Text | Arrived::Binary)) => {
                        let message = String::from_utf8_lossy(reader.message());
                        told.push(format!("{arrived:?} {message}"));
                    }
                    Ok(arrived) => told.push(format!("{arrived:?}")),
                    Err(refusal) => {
                        told.push(format!("{refusal:?}"));
                        return told;
                    }
                }
            }
            reader.settle();
        }
        told.push(format!("{:?} {}", reader.assembling(), reader.bytes()));
        told
    }

    /// A frame: its first byte, its payload, and whether it has a mask.
    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let first = prop_oneof![
            6 => Just(0x81_u8),
            2 => prop::sample::select(vec![0x01, 0x00, 0x80, 0x82, 0x89, 0x8a, 0x02]),
            1 => prop::sample::select(vec![0x88, 0xc1, 0x83, 0x8b, 0x09]),
        ];
        let length =
            prop_oneof![0..130_usize, Just(SHORT - 8), SHORT - 10..SHORT + 10, Just(70_000)];
        let payload = (length, prop::sample::select(vec!["a", "\u{e9}", "\u{1f980}"]), 0..40_u8);
        (first, payload, prop::bool::weighted(0.95)).prop_map(|(first, payload, has_mask)| {
            let (length, text, broken) = payload;
            let mut payload = BytesMut::from(text.repeat(length.div_ceil(text.len())).as_bytes());
            payload.truncate(length);
            if broken == 0 {
                payload.put_u8(0xff);
            }
            let mask = has_mask.then(|| Mask::new([7, 1, 200, 9]));
            let mut out = Vec::new();
            Header::write(&mut out, Opcode::Text, true, payload.len(), mask);
            out[0] = first;
            if let Some(mask) = mask {
                mask.apply(&mut payload);
            }
            out.extend_from_slice(&payload);
            out
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

        /// However a stream is cut into pieces, the same arrives; and short messages are read as all others are.
        #[test]
        fn the_same_arrives_in_pieces_and_by_the_general_way(
            frames in prop::collection::vec(frame(), 0..8),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
            fragments in 1..4_usize,
        ) {
            let stream = frames.concat();
            let limits = limits(100_000, fragments);
            let reader = || Reader::new(Role::Server, Bytes::new(), &limits);
            let is_news = |told: &String| told != "CloseWaits";
            let whole = read(&mut reader(), &stream, &[], Reader::next);
            let cut = read(&mut reader(), &stream, &cuts, Reader::next);
            let general = read(&mut reader(), &stream, &cuts, Reader::next_of_any_kind);
            prop_assert_eq!(&cut, &general);
            let cut: Vec<_> = cut.into_iter().filter(is_news).collect();
            let whole: Vec<_> = whole.into_iter().filter(is_news).collect();
            prop_assert_eq!(whole, cut);
        }
    }

    const BEGIN: &[u8] = &[0x01, 1, b'a'];
    const PING: &[u8] = &[0x89, 1, b'p'];

    fn client(limits: &Limits, stream: &[u8]) -> (Reader, Vec<String>) {
        let mut reader = Reader::new(Role::Client, Bytes::new(), limits);
        let told = read(&mut reader, stream, &[], Reader::next);
        (reader, told)
    }

    #[test]
    fn the_declared_bytes_of_a_message_are_summed_before_they_come() {
        let (_, told) = client(&limits(9, 9), &[BEGIN, &[0x80, 8]].concat());
        assert!(!told.last().unwrap().contains("1009"), "{told:?}");
        let (_, told) = client(&limits(9, 9), &[BEGIN, &[0x80, 9]].concat());
        assert!(told.last().unwrap().contains("message_in"), "{told:?}");
    }

    #[test]
    fn no_declared_length_takes_memory_or_overflows() {
        for length in [1_u64 << 20, 1 << 62, 1 << 63, u64::MAX - 4, u64::MAX] {
            let stream = [BEGIN, &[0x80, 127], &length.to_be_bytes(), b"payload"].concat();
            let (mut reader, told) = client(&limits(usize::MAX, 9), &stream);
            assert!(told.last().unwrap().starts_with("Some(0)"), "{told:?}");
            assert!(reader.assembly.as_ref().unwrap().buffer.capacity() < 200_000);
            reader.discard();
            assert!(!reader.is_closed());
        }
    }

    #[test]
    fn the_peers_close_is_seen_also_after_a_refusal() {
        let too_big = [&[0x81, 10], &b"0123456789"[..], PING, &[0x88, 2, 3, 0xe8]].concat();
        let (mut reader, told) = client(&limits(9, 9), &too_big);
        assert!(told.last().unwrap().contains("message_in"), "{told:?}");
        reader.discard();
        assert!(reader.is_closed());
    }

    #[test]
    fn a_reader_at_rest_has_no_buffer() {
        let long = vec![0; 100_000];
        let stream = [&[0x82, 127], &(long.len() as u64).to_be_bytes()[..], &long, PING].concat();
        let (reader, told) = client(&Limits::client(), &stream);
        assert_eq!((told.len(), reader.input.capacity()), (3, 0));
        assert!(reader.assembly.is_none());
    }
}
