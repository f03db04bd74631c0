//! Ids that the other end chose for its requests (specification, section 4).

use std::io::Write;

use smol_str::SmolStr;

/// The JSON text of the id of a request from the other end, kept as it came: it is echoed byte for
/// byte and never compared by its value. Up to 23 bytes need no allocation, and what is longer is
/// shared by its clones.
pub(crate) type Id = SmolStr;

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
fn numbers_are_canonical_as_we_write_them() {
    for (text, number) in [
        ("0", Some(0)),
        ("7", Some(7)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("007", None),
        ("-1", None),
        ("1.0", None),
        ("1e3", None),
        ("\"7\"", None),
        ("null", None),
    ] {
        assert_eq!(canonical(text), number, "{text}");
    }
}
