//! Messages of a decoder about values that do not fit. The messages are bounded, and reveal no names of Rust types.

use std::fmt::{self, Write};

use crate::util::excerpt::{Excerpt, LONGEST};

/// How serde describes Rust types, and how JSON describes them. A peer must not learn the names of types.
const KINDS: &[(&str, &str)] = &[
    ("internally tagged enum ", "an object with a tag"),
    ("adjacently tagged enum ", "an object with a tag"),
    ("newtype struct ", "its value"),
    ("tuple struct ", "an array"),
    ("unit struct ", "null"),
    ("struct variant ", "an object"),
    ("tuple variant ", "an array"),
    ("untagged enum ", "it"),
    ("struct ", "an object"),
    ("enum ", "one of its variants"),
];

/// A longer message repeats a long value. To find the path of the value, that message would be formatted once more,
/// which costs more than the path is worth.
const LONG: usize = 4096;

/// Explains why a text does not decode. Reveals neither a position in a slice that the peer never saw, nor the name
/// of a Rust type.
pub(crate) fn explain(error: &serde_json::Error) -> String {
    DecodeMessage::of(error).why
}

/// The reason why a text does not decode, and whether the decoder's message repeats a long value.
pub(crate) struct DecodeMessage {
    pub(crate) why: String,
    pub(crate) is_long: bool,
}

impl DecodeMessage {
    /// Copies only the beginning and the end of the error's text, and looks at nothing else.
    pub(crate) fn of(error: &impl fmt::Display) -> Self {
        let mut ends = Ends::default();
        write!(ends, "{error}").expect("memory takes any write");
        let is_long = ends.length > LONG;
        let Ends { head, tail, is_cut, .. } = ends;
        let why = if is_cut {
            format!("{}{}", Excerpt(&head), last(&without_type_name(without_place(&tail))))
        } else {
            shortened(&without_type_name(without_place(&(head + &tail))))
        };
        Self { why, is_long }
    }
}

/// The first and the last bytes of a text that is written to it. Serde repeats the whole value, escaped, and puts its
/// own words at the end.
#[derive(Default)]
struct Ends {
    head: String,
    tail: String,
    length: usize,
    is_cut: bool,
}

/// Bytes of the head: more than an excerpt has.
const HEAD: usize = 128;

/// The least bytes of the tail, if the text has as many.
const TAIL: usize = 1024;

impl Write for Ends {
    fn write_str(&mut self, mut more: &str) -> fmt::Result {
        self.length += more.len();
        if self.tail.is_empty() {
            let (head, rest) = more.split_at(more.floor_char_boundary(HEAD - self.head.len()));
            self.head.push_str(head);
            more = rest;
        }
        let last = more.ceil_char_boundary(more.len().saturating_sub(TAIL));
        if last > 0 {
            self.tail.clear();
            self.is_cut = true;
        }
        self.tail.push_str(&more[last..]);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.ceil_char_boundary(self.tail.len() - TAIL));
            self.is_cut = true;
        }
        Ok(())
    }
}

fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(why, _)| why)
}

fn without_type_name(message: &str) -> String {
    // The words for the expected value come last, after the words for the found value.
    let Some(start) = ["expected ", "variant of "]
        .iter()
        .filter_map(|before| message.rfind(before).map(|at| at + before.len()))
        .max()
    else {
        return message.to_owned();
    };
    let (before, expected) = message.split_at(start);
    for (kind, plain) in KINDS {
        if let Some(rest) = expected.strip_prefix(kind) {
            let name_ends = rest.find([' ', ',']).unwrap_or(rest.len());
            return format!("{before}{plain}{}", &rest[name_ends..]);
        }
    }
    message.to_owned()
}

fn shortened(message: &str) -> String {
    if message.len() <= LONGEST {
        return message.to_owned();
    }
    format!("{}{}", Excerpt(message), last(message))
}

/// The end tells what was expected. It is worth more than the middle of the found value.
fn last(message: &str) -> &str {
    &message[message.ceil_char_boundary(message.len().saturating_sub(LONGEST / 2))..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn complaint<T: for<'de> Deserialize<'de>>(json: &str) -> String {
        explain(&serde_json::from_str::<T>(json).err().expect("it does not fit"))
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct SecretName {
        x: u8,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct SecretPair(u8, u8);

    #[derive(Debug, Deserialize)]
    enum SecretChoice {
        A,
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum SecretUnion {
        #[expect(dead_code, reason = "only read")]
        A(u8),
    }

    #[test]
    fn no_type_of_ours_is_named() {
        assert_eq!(complaint::<SecretName>("1"), "invalid type: integer `1`, expected an object");
        assert_eq!(complaint::<SecretName>("{}"), "missing field `x`");
        assert_eq!(
            complaint::<SecretPair>("[1]"),
            "invalid length 1, expected an array with 2 elements"
        );
        assert_eq!(complaint::<SecretChoice>("1"), "expected value");
        assert_eq!(complaint::<SecretChoice>("\"B\""), "unknown variant `B`, expected `A`");
        assert_eq!(complaint::<SecretUnion>("\"B\""), "data did not match any variant of it");
    }

    #[test]
    fn a_long_value_is_not_repeated() {
        let why = complaint::<u8>(&format!("\"{}\"", "ä".repeat(100_000)));
        assert!(why.len() < 400, "{} bytes", why.len());
        assert!(why.starts_with("invalid type: string") && why.ends_with("expected u8"), "{why}");
        let why = complaint::<SecretName>(&format!("\"{}\"", "\u{7f}".repeat(100_000)));
        assert!(why.len() < 400 && why.ends_with("expected an object"), "{why}");
    }

    /// The result does not depend on the pieces in which a text is written.
    #[test]
    fn both_ends_of_a_text_are_kept() {
        let text = "äbc".repeat(5000);
        for piece in [1, 3, 100, TAIL, 2 * TAIL + 1, text.len()] {
            let mut ends = Ends::default();
            let (mut rest, mut most) = (&*text, 0);
            while !rest.is_empty() {
                let (more, left) = rest.split_at(rest.ceil_char_boundary(piece.min(rest.len())));
                ends.write_str(more).unwrap();
                (rest, most) = (left, most.max(ends.head.len() + ends.tail.len()));
            }
            assert!(text.starts_with(&ends.head) && text.ends_with(&ends.tail), "{piece}");
            assert!(ends.head.len() > 64 && ends.tail.len() + 1 >= TAIL, "{piece}");
            assert!(ends.is_cut && ends.length == text.len() && most <= HEAD + 2 * TAIL, "{piece}");
        }
        let mut ends = Ends::default();
        write!(ends, "{}", &text[..HEAD + TAIL]).unwrap();
        assert_eq!((ends.head + &ends.tail, ends.is_cut), (text[..HEAD + TAIL].into(), false));
    }
}
