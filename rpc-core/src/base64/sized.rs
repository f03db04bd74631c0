//! Bytes whose number is told before them.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{Base64, Reading, read_json};
use crate::util::attachment::{self, Found};

/// An item of a stream of bytes that tells its length first. The first item is the length, and all others are bytes.
///
/// A method that declares a `Streaming<SizedBase64>` sends or takes a file whose receiver knows its length from the
/// start, and never takes a part of the file for the whole. [`Streaming::sized`](crate::Streaming::sized) makes such a
/// stream, and [`Streaming::into_reader`](crate::Streaming::into_reader) reads one. In JSON the length is an integer,
/// and bytes are base64 text, so each JSON-RPC peer can send and read such a stream.
///
/// ```
/// use rpc_core::SizedBase64;
///
/// let items = [SizedBase64::Length(5), SizedBase64::Bytes(b"hello".into())];
/// assert_eq!(serde_json::to_string(&items)?, r#"[5,"aGVsbG8="]"#);
/// assert_eq!(serde_json::from_str::<[SizedBase64; 2]>(r#"[5,"aGVsbG8="]"#)?, items);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SizedBase64 {
    /// The number of all bytes that follow. It is the first item of the stream, and no other item.
    Length(u64),
    /// The next bytes.
    Bytes(Base64),
}

impl Serialize for SizedBase64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Length(length) => serializer.serialize_u64(*length),
            Self::Bytes(bytes) => bytes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SizedBase64 {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        if !attachment::are_here() {
            return de.deserialize_any(Either);
        }
        match attachment::find(de)? {
            Found::Bytes(bytes) => Ok(Self::Bytes(bytes.into())),
            Found::Json(json) => read_json(json, |json| json.deserialize_any(Either)),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SizedBase64 {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SizedBase64".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The number of all bytes, as the first item. The bytes, as each other item.",
            "oneOf": [
                {"type": "integer", "format": "uint64", "minimum": 0},
                {"type": "string", "contentEncoding": "base64"},
            ],
        })
    }
}

struct Either;

impl Visitor<'_> for Either {
    type Value = SizedBase64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length or base64 text")
    }

    fn visit_u64<E: de::Error>(self, length: u64) -> Result<SizedBase64, E> {
        Ok(SizedBase64::Length(length))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SizedBase64, E> {
        Reading.visit_str(text).map(SizedBase64::Bytes)
    }
}

#[test]
fn anything_else_is_refused() {
    for json in ["-1", "1.0", "[1]", "null", "true", r#""-""#] {
        assert!(serde_json::from_str::<SizedBase64>(json).is_err(), "{json}");
    }
    let longest = serde_json::from_str::<SizedBase64>(&u64::MAX.to_string()).unwrap();
    assert_eq!(longest, SizedBase64::Length(u64::MAX));
}
