//! Ids that the other end chose for its requests (specification, section 4).

use std::io::Write;
use std::sync::Arc;

/// Numbers have at most 20 digits; so much fits beside the length of a longer text.
const SHORT: usize = 22;

/// The JSON text of the id of a request from the other end, kept as it came: it is echoed byte for
/// byte, and never compared by its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    /// What nearly everyone sends: a number, or a short string. Filled up with zeros, which no JSON
    /// text holds.
    Short { length: u8, text: [u8; SHORT] },
    /// Anything longer, shared with whoever writes the answer.
    Long(Arc<str>),
}

impl Id {
    /// Keeps the id with this JSON text.
    pub(crate) fn new(text: &str) -> Self {
        let mut short = [0; SHORT];
        match short.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { length: text.len() as u8, text: short }
            }
            None => Self::Long(text.into()),
        }
    }

    /// Its JSON text.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, text } => &text[..usize::from(*length)],
            Self::Long(text) => text.as_bytes(),
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
            .chain([
                r#""""#,
                r#""7""#,
                r#""\u0061""#,
                "null",
                &huge[..SHORT],
                &huge[..=SHORT],
                &huge,
            ])
    {
        assert_eq!(Id::new(text).as_bytes(), text.as_bytes());
    }
    assert_ne!(Id::new("1"), Id::new("1.0"));
    assert_ne!(Id::new("1"), Id::new("\"1\""));
}
