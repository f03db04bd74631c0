//! WebSocket frames (RFC 6455, section 5.2), as the far end of a connection writes and reads them.

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;

const MASK: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];

/// A frame; a client masks it.
pub(crate) fn frame(is_last: bool, opcode: u8, payload: &[u8], masks: bool) -> Vec<u8> {
    let mut out = vec![u8::from(is_last) << 7 | opcode];
    let mask = u8::from(masks) << 7;
    match payload.len() {
        length @ 0..126 => out.push(mask | length as u8),
        length @ 126..0x1_0000 => {
            out.push(mask | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(mask | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    if masks {
        out.extend(MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        out.extend(payload);
    }
    out
}

/// The text messages in what one end has sent; panics unless all frames in it are sound and, but for
/// the last one, whole.
pub(crate) fn texts(mut bytes: &[u8], masked: bool) -> Vec<String> {
    let (mut texts, mut unfinished) = (Vec::new(), Vec::new());
    while let Some((opcode, is_last, payload)) = next(&mut bytes, masked) {
        if opcode == TEXT || opcode == CONTINUATION {
            assert_eq!(opcode == TEXT, unfinished.is_empty(), "fragments of one message at a time");
            unfinished.extend(payload);
            if is_last {
                texts.push(String::from_utf8(std::mem::take(&mut unfinished)).expect("UTF-8"));
            }
        } else {
            assert!(matches!(opcode, CLOSE | PING | 10) && is_last, "opcode {opcode}");
        }
    }
    texts
}

fn next(bytes: &mut &[u8], masked: bool) -> Option<(u8, bool, Vec<u8>)> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    assert_eq!((first & 0x70, second >> 7), (0, u8::from(masked)));
    let (length, rest) = match second & 0x7f {
        126 => rest
            .split_first_chunk()
            .map(|(bytes, rest)| (u16::from_be_bytes(*bytes).into(), rest))?,
        127 => rest.split_first_chunk().map(|(bytes, rest)| (u64::from_be_bytes(*bytes), rest))?,
        length => (u64::from(length), rest),
    };
    let (mask, rest) = if masked { rest.split_first_chunk()? } else { (&[0; 4], rest) };
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    *bytes = &rest[payload.len()..];
    let plain = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Some((first & 0xf, first & 0x80 != 0, plain.collect()))
}

/// The bytes of the frames that an input stands for: each begins with a byte for its head and one for
/// its length, what follows is its payload. Masked as a client's are, if they are to be.
pub(crate) fn of(mut input: &[u8], masked: bool) -> Vec<u8> {
    let mut frames = Vec::new();
    while let [head, length, rest @ ..] = input {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        input = rest;
        let mask = if masked { 0x80 } else { 0 };
        frames.push(*head);
        match payload.len() {
            length @ ..126 => frames.push(mask | length as u8),
            length => {
                frames.push(mask | 126);
                frames.extend((length as u16).to_be_bytes());
            }
        }
        if masked {
            frames.extend([0; 4]); // which leaves the payload as it is
        }
        frames.extend(payload);
    }
    frames
}
