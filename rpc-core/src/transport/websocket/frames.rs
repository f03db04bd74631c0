//! Follows the frames in a stream of WebSocket bytes, and changes none of them.
//!
//! tungstenite tells neither that a message has begun nor how much of one the socket took, and it
//! swallows empty fragments unseen. The headers on the wire tell all of it. Only they are looked
//! at: a payload is skipped by arithmetic, so a frame costs a few nanoseconds whatever its length.

/// Where a stream of frames stands.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The header up to its length, as far as it has come. What follows the length, the mask,
    /// counts as payload: nothing is decided by it.
    header: [u8; 10],
    /// How many bytes of `header` have come.
    have: usize,
    /// The bytes of mask and payload still to come, once `header` is whole.
    left: u64,
}

/// What [`Frames::advance`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The byte that completes the length of a frame; a payload of `length` bytes follows.
    Header { kind: Kind, length: u64 },
    /// The last byte of a frame.
    End(Kind),
}

/// What a frame is: the first byte of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    /// Whether it carries a part of a message; control frames may stand between those.
    pub(super) fn is_data(self) -> bool {
        self.0 & 0x08 == 0
    }

    /// Whether it is the last frame of a message.
    pub(super) fn ends_message(self) -> bool {
        self.is_data() && self.0 & 0x80 != 0
    }

    /// Whether it is a close frame.
    pub(super) fn is_close(self) -> bool {
        self.0 & 0x0f == 0x08
    }
}

impl Frames {
    /// Takes a message off the front of `bytes`, if one is there that is a single frame, has come as
    /// a whole, and has a payload of at most `longest` and at most 125 bytes. Most are like this,
    /// and followed mark by mark they took three times as long.
    pub(super) fn take_message(&self, bytes: &mut &[u8], longest: u64) -> bool {
        const TEXT: u8 = 0x81;
        let [TEXT, second, rest @ ..] = *bytes else { return false };
        let length = usize::from(second & 0x7f);
        if self.have > 0 || length > 125 || length as u64 > longest {
            return false;
        }
        let mask = if second & 0x80 != 0 { 4 } else { 0 };
        match rest.get(mask + length..) {
            Some(rest) => {
                *bytes = rest;
                true
            }
            None => false,
        }
    }

    /// Takes bytes off the front of `bytes`, up to and including those that make the next mark.
    /// `None` means that all were taken and the mark is still to come.
    pub(super) fn advance(&mut self, bytes: &mut &[u8]) -> Option<Mark> {
        if self.have < self.wanted() {
            let length = self.take_header(bytes)?;
            return Some(Mark::Header { kind: Kind(self.header[0]), length });
        }
        self.skip_payload(bytes)?;
        self.have = 0;
        Some(Mark::End(Kind(self.header[0])))
    }

    /// The frame that has begun and is not complete, from its very first byte.
    pub(super) fn begun(&self) -> Option<Kind> {
        (self.have > 0).then_some(Kind(self.header[0]))
    }

    /// How many bytes of mask and payload are still to come; 0 before the header is whole.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    fn take_header(&mut self, bytes: &mut &[u8]) -> Option<u64> {
        while self.have < self.wanted() {
            let (byte, rest) = bytes.split_first()?;
            self.header[self.have] = *byte;
            self.have += 1;
            *bytes = rest;
        }
        let mask = if self.header[1] & 0x80 != 0 { 4 } else { 0 };
        let length = self.length();
        // A length of 2^64 - 1 is a lie that tungstenite refuses; until then it must not overflow.
        self.left = length.saturating_add(mask);
        Some(length)
    }

    fn skip_payload(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let here = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        *bytes = &bytes[here..];
        self.left -= here as u64;
        (self.left == 0).then_some(())
    }

    /// How many bytes the header has up to its length, as far as can be told by now.
    fn wanted(&self) -> usize {
        match self.header[1] & 0x7f {
            _ if self.have < 2 => 2,
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn length(&self) -> u64 {
        let [_, short, long @ ..] = self.header;
        match short & 0x7f {
            126 => u64::from(u16::from_be_bytes([long[0], long[1]])),
            127 => u64::from_be_bytes(long),
            short => u64::from(short),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: u8 = 0x81;
    const PING: u8 = 0x89;

    /// A frame in the form of header that `length` and `masked` ask for.
    fn frame(first: u8, masked: bool, length: usize) -> Vec<u8> {
        let mask_bit = if masked { 0x80 } else { 0 };
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(length as u8 | mask_bit),
            126..65536 => {
                frame.push(126 | mask_bit);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(127 | mask_bit);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(std::iter::repeat_n(0xff, length + if masked { 4 } else { 0 }));
        frame
    }

    /// Where the marks of `stream` are when it comes in chunks that end at `ends`: how many bytes
    /// had come by each.
    fn marks(stream: &[u8], ends: impl IntoIterator<Item = usize>) -> Vec<(usize, Mark)> {
        let (mut frames, mut marks, mut start) = (Frames::default(), Vec::new(), 0);
        for end in ends.into_iter().chain([stream.len()]) {
            let mut rest = &stream[start..end];
            while let Some(mark) = frames.advance(&mut rest) {
                marks.push((end - rest.len(), mark));
            }
            start = end;
        }
        marks
    }

    /// The same from the lengths alone, without reading a header.
    fn expected(frames: &[(u8, bool, usize)]) -> Vec<(usize, Mark)> {
        let (mut marks, mut start) = (Vec::new(), 0);
        for &(first, masked, length) in frames {
            let to_length = [2, 4, 10][usize::from(length > 125) + usize::from(length > 65535)];
            let header = Mark::Header { kind: Kind(first), length: length as u64 };
            marks.push((start + to_length, header));
            start += to_length + if masked { 4 } else { 0 } + length;
            marks.push((start, Mark::End(Kind(first))));
        }
        marks
    }

    #[test]
    fn every_form_of_header_is_followed_wherever_it_is_split() {
        for length in [0, 1, 125, 126, 127, 300] {
            for masked in [false, true] {
                let frames = [(TEXT, masked, length), (PING, masked, 3)];
                let stream: Vec<u8> = frames.iter().flat_map(|&(f, m, l)| frame(f, m, l)).collect();
                for split in 0..=stream.len() {
                    assert_eq!(marks(&stream, [split]), expected(&frames), "{frames:?} at {split}");
                }
                assert_eq!(marks(&stream, 0..stream.len()), expected(&frames), "byte by byte");
            }
        }
    }

    #[test]
    fn a_long_run_of_random_frames_in_random_chunks_agrees_with_their_lengths() {
        let mut random = random(1);
        for _ in 0..50 {
            let frames: Vec<_> = (0..20)
                .map(|_| {
                    let length = [0, 7, 125, 126, 4000, 65535, 65536][random(7)];
                    ([TEXT, 0x01, 0x80, 0x00, PING, 0x88][random(6)], random(2) == 0, length)
                })
                .collect();
            let stream: Vec<u8> = frames.iter().flat_map(|&(f, m, l)| frame(f, m, l)).collect();
            let mut ends: Vec<_> = (0..30).map(|_| random(stream.len() + 1)).collect();
            ends.sort_unstable();
            assert_eq!(marks(&stream, ends), expected(&frames));
        }
    }

    #[test]
    fn messages_taken_at_once_are_as_many_as_followed_mark_by_mark() {
        let mut random = random(2);
        let mut at_once = 0;
        for _ in 0..50 {
            let frames: Vec<_> = (0..40)
                .map(|_| {
                    let first = [TEXT, TEXT, TEXT, 0x01, 0x80, PING][random(6)];
                    (first, random(2) == 0, [0, 7, 125, 126, 300][random(5)])
                })
                .collect();
            let stream: Vec<u8> = frames.iter().flat_map(|&(f, m, l)| frame(f, m, l)).collect();
            let (mut rest, mut follower, mut marks) = (&stream[..], Frames::default(), 0);
            while !rest.is_empty() {
                let (mut chunk, tail) = rest.split_at(random(rest.len().min(400)) + 1);
                rest = tail;
                loop {
                    if follower.take_message(&mut chunk, 124) {
                        at_once += 1;
                        marks += 2;
                    } else if follower.advance(&mut chunk).is_some() {
                        marks += 1;
                    } else {
                        break;
                    }
                }
            }
            assert_eq!(marks, 2 * frames.len());
            assert_eq!(follower.begun(), None);
        }
        assert!((100..1000).contains(&at_once), "{at_once}");
        assert!(!Frames::default().take_message(&mut &frame(TEXT, true, 125)[..], 124));
    }

    #[test]
    fn no_declared_length_overflows() {
        for length in [1 << 63, (1 << 63) - 1, u64::MAX - 4, u64::MAX - 1, u64::MAX] {
            for mask_bit in [0, 0x80] {
                let mut frames = Frames::default();
                let header = [&[TEXT, 127 | mask_bit], &length.to_be_bytes()[..]].concat();
                let kind = Kind(TEXT);
                let mark = frames.advance(&mut &header[..]);
                assert_eq!(mark, Some(Mark::Header { kind, length }));
                for _ in 0..3 {
                    assert_eq!(frames.advance(&mut &[0x81; 1000][..]), None);
                }
                assert_eq!(frames.begun(), Some(kind));
            }
        }
    }

    #[test]
    fn a_frame_has_begun_from_its_first_byte_until_its_last() {
        let mut frames = Frames::default();
        assert_eq!(frames.begun(), None);
        for byte in [TEXT, 0x02, b'{'] {
            frames.advance(&mut &[byte][..]);
            assert_eq!(frames.begun(), Some(Kind(TEXT)));
        }
        assert_eq!(frames.advance(&mut &b"}"[..]), Some(Mark::End(Kind(TEXT))));
        assert_eq!(frames.begun(), None);
    }

    /// Numbers below the argument, the same in every run.
    fn random(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |below| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        }
    }
}
