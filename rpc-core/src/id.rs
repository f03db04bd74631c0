//! Ids that the other end chose for its requests (specification, section 4).

use std::io::Write;
use std::sync::Arc;

/// The id of a request from the other end, kept so that it is echoed byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    /// A number as nearly everyone writes it: decimal digits, no leading zero. Needs no allocation.
    Number(u64),
    /// The JSON text of anything else, shared with whoever writes the answer: a string, `null`, `1.0`, `-3`, `1e400`.
    Text(Arc<str>),
}

impl Id {
    /// Keeps the id with this JSON text.
    pub(crate) fn new(text: &str) -> Self {
        match canonical(text) {
            Some(number) => Self::Number(number),
            None => Self::Text(text.into()),
        }
    }

    /// Writes the id's JSON text.
    pub(crate) fn write(&self, out: &mut impl Write) {
        match self {
            Self::Number(number) => write_number(*number, out),
            Self::Text(text) => out.write_all(text.as_bytes()).expect("memory takes any write"),
        }
    }
}

/// Writes a decimal number into memory.
pub(crate) fn write_number(number: u64, out: &mut impl Write) {
    let mut buffer = itoa::Buffer::new();
    out.write_all(buffer.format(number).as_bytes()).expect("memory takes any write");
}

/// The number that `text` spells in the one way in which we would spell it.
pub(crate) fn canonical(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let plain = bytes.iter().all(u8::is_ascii_digit) && (bytes.len() == 1 || bytes[0] != b'0');
    if plain { text.parse().ok() } else { None }
}

/// Whether this JSON text is of a type that an id may have: string, number or null.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.as_bytes()[0], b'"' | b'-' | b'0'..=b'9' | b'n')
}

#[test]
fn ids_are_echoed_to_the_byte() {
    let huge = "9".repeat(128);
    for text in
        ["0", "7", "18446744073709551615", "18446744073709551616", "-1", "1.0", "1e400", "-0"]
            .into_iter()
            .chain([r#""""#, r#""7""#, r#""\u0061""#, "null", &huge])
    {
        let mut out = Vec::new();
        Id::new(text).write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
    assert_ne!(Id::new("1"), Id::new("1.0"));
    assert_ne!(Id::new("1"), Id::new("\"1\""));
}
