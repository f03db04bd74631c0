//! Base64 text (RFC 4648, section 4): from bytes and back.

use std::fmt;

use base64_simd::{AsOut, Base64, STANDARD, STANDARD_NO_PAD};

/// The bytes of a piece, and the characters that the piece becomes.
const PIECE: usize = 3072;
const PIECE_TEXT: usize = PIECE / 3 * 4;

/// Returns the length of the text of so many bytes.
pub(crate) fn length(bytes: usize) -> usize {
    STANDARD.encoded_length(bytes)
}

/// Gives `write` the text, with padding, piece by piece. So the text of many bytes is written once, in the caches of the
/// processor.
///
/// # Errors
/// The first error of `write`.
pub(crate) fn encode<E>(
    bytes: &[u8],
    mut write: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut text = [0; PIECE_TEXT];
    bytes
        .chunks(PIECE)
        .try_for_each(|piece| write(STANDARD.encode_as_str(piece, text[..].as_out())))
}

/// Reads a text with or without padding. Many encoders leave padding out, and the length of the text gives the same
/// information.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Invalid<'_>> {
    const DECODER: Base64 = STANDARD_NO_PAD;
    let digits = digits(text);
    let padding = text.len() - digits.len();
    if padding <= most_padding(digits.len())
        && let Ok(bytes) = DECODER.decode_to_vec(digits)
    {
        return Ok(bytes);
    }
    Err(Invalid(text))
}

/// Returns the text without its padding.
fn digits(text: &str) -> &str {
    let digits = text.strip_suffix('=').unwrap_or(text);
    digits.strip_suffix('=').unwrap_or(digits)
}

/// Returns the most padding that so many digits may have.
fn most_padding(digits: usize) -> usize {
    digits.next_multiple_of(4) - digits
}

/// A text that is not base64. `Display` tells why, and repeats at most one character of the text, which may be a
/// megabyte long.
pub(crate) struct Invalid<'a>(&'a str);

impl fmt::Display for Invalid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid base64 text: ")?;
        let digits = digits(self.0);
        let is_digit = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/');
        if let Some((at, found)) = digits.char_indices().find(|&(_, char)| !is_digit(char)) {
            return write!(f, "`{}` at {at}", found.escape_debug());
        }
        match (digits.len() % 4, self.0.len() - digits.len()) {
            (1, _) => f.write_str("a single character at its end"),
            (0, 1..) | (3, 2..) => f.write_str("too much padding"),
            _ => {
                let last = digits.len().saturating_sub(1);
                write!(f, "the character at {last} has bits beyond the last byte")
            }
        }
    }
}
