//! Bytes as base64 text (RFC 4648, section 4), because JSON has no bytes.

mod sized;

pub use sized::SizedBase64;

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::de::StrRead;

use crate::util::attachment::{self, Found};
use crate::util::base64_text;
use crate::util::direct;

/// Bytes that are base64 text on the wire. Use the type for a parameter, a result, a field, or an item of a
/// [`Streaming`](crate::Streaming).
///
/// JSON writes a `Vec<u8>` as an array of numbers, with about four bytes for each byte. Base64 needs four bytes for
/// three. The alphabet is the standard one (RFC 4648, section 4), with padding. Text without padding is accepted as
/// well. The type is cheap to clone: clones share the bytes.
///
/// # Sent as bytes
/// Between two ends of this framework over a WebSocket, a value of 4 KiB or more is sent as bytes: in one binary
/// message, beside the JSON text of the message. The value takes no more room on the wire than its bytes, and neither
/// end encodes or decodes base64. That holds for values in items of streams, in params of single calls, and in results
/// of single calls, at any depth, and for up to 255 values of one message.
///
/// Base64 text is sent to all other peers, over transports that carry no
/// [binary messages](crate::transport::Transport::carries_binary), before the `$/hello` of the other end has come, in
/// batches, notifications, progress reports and pushes to groups, and through [layers](crate::layers), which see params
/// and results as text. A receiver cannot tell the difference: a `serde_json::Value` or a `RawValue` holds base64 text.
/// Limits, such as [`message_out`](crate::Limits::message_out) and the windows of streams, count the base64 text in
/// either case.
///
/// A received value may share the memory of its message, of which it is at least the half.
///
/// What is too long for one message goes as a `Streaming<Base64>`, which is read and written as files are: see
/// [`ByteReader`](crate::ByteReader) and [`ByteWriter`](crate::ByteWriter).
///
/// ```
/// use rpc_core::Base64;
///
/// let bytes = Base64::from(b"hello");
/// assert_eq!(serde_json::to_string(&bytes)?, r#""aGVsbG8=""#);
/// assert_eq!(serde_json::from_str::<Base64>(r#""aGVsbG8""#)?, bytes);
/// assert!(bytes.starts_with(b"he")); // a `[u8]` otherwise
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base64(bytes::Bytes);

impl Base64 {
    /// Creates an empty value.
    pub const fn new() -> Self {
        Self(bytes::Bytes::new())
    }

    /// Wraps static bytes without a copy.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self(bytes::Bytes::from_static(bytes))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        direct::offer(&self.0, || serializer.collect_str(&Text(&self.0)))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Base64 {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Base64".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "contentEncoding": "base64"})
    }
}

/// The text of bytes that no writer took. It is written piece by piece: there is no intermediate text, and a value that
/// is too big is found before all of it is encoded.
struct Text<'a>(&'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if direct::is_written() {
            return Ok(());
        }
        base64_text::encode(self.0, |piece| f.write_str(piece))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        if !attachment::are_here() {
            return de.deserialize_str(Reading);
        }
        match attachment::find(de)? {
            Found::Bytes(bytes) => Ok(Self(bytes)),
            Found::Json(json) => read_json(json, |json| json.deserialize_str(Reading)),
        }
    }
}

/// Reads a value from its JSON text by `read`.
fn read_json<'de, T, E: de::Error>(
    json: &'de str,
    read: impl FnOnce(&mut serde_json::Deserializer<StrRead<'de>>) -> serde_json::Result<T>,
) -> Result<T, E> {
    read(&mut serde_json::Deserializer::from_str(json)).map_err(E::custom)
}

/// Reads the text in place. The decoder borrows the text unless it has escapes.
struct Reading;

impl Visitor<'_> for Reading {
    type Value = Base64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64, E> {
        base64_text::decode(text).map(Base64::from).map_err(E::custom)
    }
}

/// The most bytes that `Debug` shows.
const SHOWN: usize = 64;

/// Shows a byte string. Of a long value only the first 64 bytes and the length are shown.
impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get(..SHOWN) {
            Some(start) if self.len() > SHOWN => {
                write!(f, "b\"{}\"… ({} bytes)", start.escape_ascii(), self.len())
            }
            _ => write!(f, "b\"{}\"", self.escape_ascii()),
        }
    }
}

impl Deref for Base64 {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Base64 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// `Base64` values are equal, ordered and hashed as their slice is.
impl Borrow<[u8]> for Base64 {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// Converts without a copy.
impl From<Vec<u8>> for Base64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// Converts without a copy.
impl From<bytes::Bytes> for Base64 {
    fn from(bytes: bytes::Bytes) -> Self {
        Self(bytes)
    }
}

/// Copies the bytes; [`from_static`](Base64::from_static) needs no copy.
impl From<&[u8]> for Base64 {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes::Bytes::copy_from_slice(bytes))
    }
}

/// Copies the bytes; [`from_static`](Base64::from_static) needs no copy.
impl<const N: usize> From<&[u8; N]> for Base64 {
    fn from(bytes: &[u8; N]) -> Self {
        Self::from(bytes.as_slice())
    }
}

/// Converts without a copy.
impl From<Base64> for bytes::Bytes {
    fn from(bytes: Base64) -> Self {
        bytes.0
    }
}

/// Copies the bytes only if another value shares them.
impl From<Base64> for Vec<u8> {
    fn from(bytes: Base64) -> Self {
        bytes.0.into()
    }
}

impl FromIterator<u8> for Base64 {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Self(bytes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<u8>, String> {
        let json = serde_json::to_string(text).unwrap();
        let read: Result<Base64, _> = serde_json::from_str(&json);
        read.map(Vec::from).map_err(|error| crate::error::decode_error::explain(&error))
    }

    #[test]
    fn the_examples_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let written = serde_json::to_string(&Base64::from(bytes.as_bytes())).unwrap();
            assert_eq!(written, format!("\"{text}\""));
            assert_eq!(read(text).as_deref(), Ok(bytes.as_bytes()));
            let bare = text.trim_end_matches('=');
            assert_eq!(read(bare).as_deref(), Ok(bytes.as_bytes()), "without padding");
        }
    }

    /// Some encoders write `/` as `\/`.
    #[test]
    fn text_may_have_escapes() {
        let read: Base64 = serde_json::from_str(r#""\/\/8\u003d""#).unwrap();
        assert_eq!(&*read, [0xff, 0xff]);
    }

    #[test]
    fn any_bytes_come_back_as_they_were() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for length in (0..300).chain([1023, 1024, 1025, 65_536]) {
            let bytes: Base64 = (0..length).map(|_| random().to_le_bytes()[0]).collect();
            let text = serde_json::to_string(&bytes).unwrap();
            assert_eq!(text.len(), 2 + bytes.len().div_ceil(3) * 4);
            assert_eq!(serde_json::from_str::<Base64>(&text).unwrap(), bytes, "{length} bytes");
        }
    }

    #[test]
    fn what_is_no_base64_is_told_and_not_repeated() {
        for (text, why) in [
            ("Zm9v-m==", "`-` at 4"),
            ("Zm9vé", "`é` at 4"),
            ("Zm 9v", "` ` at 2"),
            ("Zm9v\n", r"`\n` at 4"),
            ("Zm9vY", "a single character at its end"),
            ("Zm9=v", "`=` at 3"),
            ("Zh==", "the character at 1 has bits beyond the last byte"),
            ("Zm9v=", "too much padding"),
            ("Zm8==", "too much padding"),
            ("Zg===", "`=` at 2"),
            ("=", "too much padding"),
        ] {
            assert_eq!(read(text), Err(format!("invalid base64 text: {why}")), "{text}");
        }
        assert!(read(&"-".repeat(1_000_000)).unwrap_err().len() < 100);
        let number = serde_json::from_str::<Base64>("[1,2]").unwrap_err();
        assert_eq!(
            crate::error::decode_error::explain(&number),
            "invalid type: sequence, expected base64 text"
        );
    }

    #[test]
    fn debug_shows_the_first_bytes_of_many() {
        assert_eq!(format!("{:?}", Base64::from(b"a\0\"")), r#"b"a\x00\"""#);
        assert_eq!(format!("{:?}", Base64::from(&[b'a'; 64])), format!("b\"{}\"", "a".repeat(64)));
        let many = format!("{:?}", Base64::from(vec![b'a'; 1_000_000]));
        assert_eq!(many, format!("b\"{}\"… (1000000 bytes)", "a".repeat(64)));
    }

    #[test]
    fn it_is_a_slice_wherever_one_is_looked_for() {
        let set = std::collections::HashSet::from([Base64::from_static(b"a")]);
        assert!(set.contains(&b"a"[..]));
        let tree = std::collections::BTreeSet::from([Base64::from_static(b"a")]);
        assert!(tree.contains(&b"a"[..]));
        let shared = bytes::Bytes::from(Base64::from(vec![1, 2]));
        assert_eq!(Base64::from(shared).as_ref(), [1, 2]);
        assert_eq!(Base64::default(), Base64::new());
    }
}
