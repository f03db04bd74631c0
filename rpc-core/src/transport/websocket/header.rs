//! The header of a WebSocket frame (RFC 6455, section 5.2).

use bytes::BufMut;

use super::mask::Mask;

/// The longest header.
pub(super) const LONGEST: usize = 14;

/// The longest payload of a control frame.
pub(super) const CONTROL_MAX: usize = 125;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    /// More of the message that has begun.
    Continuation,
    /// A message of text, or the first part of one.
    Text,
    /// A message of bytes, or the first part of one.
    Binary,
    Close,
    Ping,
    Pong,
    /// An opcode that has no meaning.
    Unknown {
        is_control: bool,
    },
}

impl Opcode {
    fn of(first: u8) -> Self {
        match first & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            unknown => Self::Unknown { is_control: unknown & 0x08 != 0 },
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
            Self::Unknown { is_control: false } => 3,
            Self::Unknown { is_control: true } => 11,
        }
    }

    /// Returns whether the frame carries no part of a message. Control frames may stand between the parts of a message.
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong | Self::Unknown { is_control: true })
    }
}

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    /// Whether the frame ends its message.
    pub(super) is_last: bool,
    pub(super) has_reserved_bits: bool,
    /// The bytes of the payload.
    pub(super) length: u64,
    pub(super) mask: Option<Mask>,
    /// The bytes of the header itself.
    pub(super) size: usize,
}

/// Returns whether a frame of this first byte carries a part of a message.
pub(super) fn begins_data(first: u8) -> bool {
    !Opcode::of(first).is_control()
}

impl Header {
    /// Reads the header that `bytes` begin with. Returns `None` if the header has not come whole.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (length, rest) = match second & 0x7f {
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u16::from_be_bytes(*length).into(), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
            short => (short.into(), rest),
        };
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(Mask::new(*key)), rest)
        };
        Some(Self {
            opcode: Opcode::of(first),
            is_last: first & 0x80 != 0,
            has_reserved_bits: first & 0x70 != 0,
            length,
            mask,
            size: bytes.len() - rest.len(),
        })
    }

    /// Writes the header of a frame.
    #[inline]
    pub(super) fn write(
        out: &mut Vec<u8>,
        opcode: Opcode,
        is_last: bool,
        length: usize,
        mask: Option<Mask>,
    ) {
        let mask_bit = if mask.is_some() { 0x80 } else { 0 };
        out.put_u8(u8::from(is_last) << 7 | opcode.number());
        match length {
            0..126 => out.put_u8(mask_bit | length as u8),
            126..0x1_0000 => {
                out.put_u8(mask_bit | 126);
                out.put_u16(length as u16);
            }
            _ => {
                out.put_u8(mask_bit | 127);
                out.put_u64(length as u64);
            }
        }
        if let Some(mask) = mask {
            out.put_slice(&mask.key());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_header_is_read_as_it_was_written_and_only_when_whole() {
        let opcodes = [
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ];
        for opcode in opcodes {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 40] {
                for mask in [None, Some(Mask::new([1, 2, 3, 4]))] {
                    for is_last in [false, true] {
                        let mut out = Vec::new();
                        Header::write(&mut out, opcode, is_last, length, mask);
                        let (size, has_reserved_bits) = (out.len(), false);
                        let length = length as u64;
                        let header =
                            Header { opcode, is_last, has_reserved_bits, length, mask, size };
                        assert!(size <= LONGEST);
                        for short in 0..size {
                            assert_eq!(Header::read(&out[..short]), None);
                        }
                        out.put_slice(b"behind");
                        assert_eq!(Header::read(&out), Some(header));
                    }
                }
            }
        }
    }

    #[test]
    fn bits_and_opcodes_without_meaning_are_told() {
        for first in 0..=u8::MAX {
            let header = Header::read(&[first, 0]).unwrap();
            assert_eq!(header.has_reserved_bits, first & 0x70 != 0);
            let is_unknown = matches!(header.opcode, Opcode::Unknown { .. });
            assert_eq!(is_unknown, matches!(first & 0x0f, 3..=7 | 11..=15));
            assert_eq!(header.opcode.is_control(), first & 0x08 != 0);
            assert_eq!(begins_data(first), first & 0x08 == 0);
        }
    }
}
