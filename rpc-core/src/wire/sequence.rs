//! Several messages in one: a JSON text sequence (RFC 7464), for an end that has said in its hello that it reads
//! sequences.
//!
//! Each text stands between U+001E and U+000A. U+001E cannot stand in JSON text, so no message of a plain peer is taken
//! for a sequence. Each text is a message by itself wherever messages are counted, kept, sent again or dropped.

use std::ops::Range;

use bytes::Bytes;

use super::attached::is_attached;
use super::encode::HELLO;

/// Begins each text.
const SEPARATOR: u8 = 0x1e;

/// Ends each text.
#[cfg(any(feature = "websocket", test))]
const END: u8 = b'\n';

/// The longest message that leaves in a sequence, in bytes: what a message costs by itself weighs little for longer ones.
const LONGEST: usize = 4096;

/// The most bytes of a sequence: buffers up to this length are shared by the connections of a thread.
const MOST: usize = 16 * 1024;

/// Returns whether a message is a sequence.
#[inline]
pub(crate) fn is_sequence(message: &[u8]) -> bool {
    message.first() == Some(&SEPARATOR)
}

/// Returns where the first text that begins at `from` or behind lies, if there is one. Texts that are empty are left out.
pub(crate) fn next_text(message: &[u8], from: usize) -> Option<Range<usize>> {
    let is_text = |byte: &u8| *byte != SEPARATOR && !byte.is_ascii_whitespace();
    let start = from + message.get(from..)?.iter().position(is_text)?;
    let rest = &message[start..];
    let length = memchr::memchr(SEPARATOR, rest).unwrap_or(rest.len());
    Some(start..start + rest[..length].trim_ascii_end().len())
}

/// Returns how many of the first messages may leave as one sequence.
pub(crate) fn together<'a>(messages: impl Iterator<Item = &'a Bytes>) -> usize {
    let mut room = MOST;
    let fits = |message: &&Bytes| {
        let length = written_len(message);
        let fits = length <= room
            && message.len() <= LONGEST
            && !is_attached(message)
            && !message.starts_with(HELLO);
        if fits {
            room -= length;
        }
        fits
    };
    messages.take_while(fits).count()
}

/// Returns the bytes that a message takes in a sequence.
pub(crate) fn written_len(message: &[u8]) -> usize {
    message.len() + 2
}

/// Writes a message into a sequence.
#[cfg(any(feature = "websocket", test))]
pub(crate) fn write(message: &[u8], out: &mut Vec<u8>) {
    out.push(SEPARATOR);
    out.extend_from_slice(message);
    out.push(END);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the texts of a sequence.
    fn texts(message: &[u8]) -> Vec<&[u8]> {
        let mut from = 1;
        std::iter::from_fn(|| {
            let text = next_text(message, from)?;
            from = text.end;
            Some(&message[text])
        })
        .collect()
    }

    #[test]
    fn texts_that_are_empty_are_nothing() {
        let none: [&[u8]; 0] = [];
        assert_eq!(texts(b"\x1e"), none);
        assert_eq!(texts(b"\x1e\n\x1e \n\x1e\x1e\n"), none);
        assert_eq!(texts(b"\x1e1\n\n\x1e\x1e2\x1e \n\x1e 3 4"), [&b"1"[..], b"2", b"3 4"]);
    }

    #[test]
    fn no_other_message_is_a_sequence() {
        assert!(is_sequence(b"\x1e{}\n"));
        assert!(
            !is_sequence(b"")
                && !is_sequence(b"{}")
                && !is_sequence(b"\n\x1e{}")
                && !is_sequence(b"\xff\x01")
        );
    }

    #[test]
    fn some_messages_leave_alone() {
        let count = |messages: &[&Bytes]| together(messages.iter().copied());
        let short = Bytes::from_static(b"{}");
        let hello = [HELLO, b"1}}"].concat().into();
        let (attached, long) = (Bytes::from_static(b"\xff\x01"), vec![b'x'; LONGEST + 1].into());
        for alone in [&hello, &attached, &long] {
            assert_eq!(count(&[alone, &short]), 0);
            assert_eq!(count(&[&short, &short, alone, &short]), 2);
        }
        let longest: Bytes = vec![b'x'; LONGEST].into();
        assert_eq!(count(&[&longest; 9]), 3, "with separators the fourth would be too much");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn texts_come_out_as_they_went_in(messages in prop::collection::vec("[!-~]|[!-~][ -~]{0,8}[!-~]", 1..9)) {
            let mut sequence = Vec::new();
            messages.iter().for_each(|message| write(message.as_bytes(), &mut sequence));
            prop_assert_eq!(sequence.len(), messages.iter().map(|message| written_len(message.as_bytes())).sum::<usize>());
            prop_assert!(is_sequence(&sequence));
            let expected: Vec<&[u8]> = messages.iter().map(String::as_bytes).collect();
            prop_assert_eq!(texts(&sequence), expected);
        }
    }
}
