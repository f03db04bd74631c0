//! As much of WebSocket framing as a load needs.
//!
//! What is sent is masked with zeros, which is legal and leaves the bytes as they are.

use bench::Checked;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A frame in what was received.
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    /// Whether its message ends with it.
    pub(crate) last: bool,
    /// Where its payload begins, and where it ends.
    pub(crate) payload: std::ops::Range<usize>,
}

/// Appends a frame of a client.
pub(crate) fn put(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ ..126 => out.push(0x80 | length as u8),
        length @ ..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend_from_slice(payload);
}

/// The frame of a server at the front, if all of it is there.
pub(crate) fn front(bytes: &[u8]) -> Checked<Option<Frame>> {
    let Some(&[first, second]) = bytes.get(..2) else { return Ok(None) };
    if second & 0x80 != 0 {
        return Err("the server masks what it sends".into());
    }
    let (begin, length) = match second {
        126 => match bytes.get(2..4) {
            Some(length) => (4, u64::from(u16::from_be_bytes(length.try_into()?))),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10) {
            Some(length) => (10, u64::from_be_bytes(length.try_into()?)),
            None => return Ok(None),
        },
        length => (2, u64::from(length)),
    };
    let end = begin + usize::try_from(length)?;
    let frame = Frame { opcode: first & 0xf, last: first & 0x80 != 0, payload: begin..end };
    Ok((bytes.len() >= end).then_some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_has_its_form() {
        for (length, head) in [(125, 6), (126, 8), (65_535, 8), (65_536, 14)] {
            let mut out = Vec::new();
            put(TEXT, &vec![b'x'; length], &mut out);
            assert_eq!(out.len(), head + length);
        }
    }

    #[test]
    fn a_frame_is_there_when_all_of_it_is() {
        let whole = [0x81, 2, b'h', b'i', 0x81];
        for some in 0..4 {
            assert!(front(&whole[..some]).unwrap().is_none());
        }
        let frame = front(&whole).unwrap().unwrap();
        assert_eq!((frame.opcode, frame.last, frame.payload), (TEXT, true, 2..4));
    }

    #[test]
    fn long_frames_and_fragments_are_read() {
        let mut long = vec![0x01, 126, 0, 200];
        long.extend([b'x'; 200]);
        let frame = front(&long).unwrap().unwrap();
        assert_eq!((frame.last, frame.payload), (false, 4..204));
        assert!(front(&[0x81, 127, 0, 0]).unwrap().is_none());
    }
}
