//! Decodes a value whose JSON text was scanned as a part of its message.
//!
//! serde_json looks at each character of a text for an escape, eight at a time. A long text without escapes is found by
//! one search for a backslash, which takes a tenth of that, and then is handed over as it lies.

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::de::StrRead;

/// Decodes the text of one value, which is JSON and has no whitespace around it.
///
/// # Errors
/// The value does not fit into a `T`.
pub(crate) fn decode<'de, T: Deserialize<'de>>(json: &'de str) -> serde_json::Result<T> {
    match plain(json) {
        Some(text) => T::deserialize(Plain { text, json }),
        None => serde_json::from_str(json),
    }
}

/// A shorter text is left to serde_json.
const LONG: usize = 256;

/// Returns what stands between the quotes, if the value is a long text without escapes.
#[inline]
fn plain(json: &str) -> Option<&str> {
    if json.len() < LONG {
        return None;
    }
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    memchr::memchr(b'\\', text.as_bytes()).is_none().then_some(text)
}

/// A text without escapes.
struct Plain<'de> {
    text: &'de str,
    /// The same in quotes.
    json: &'de str,
}

/// Leaves to serde_json whatever does not want a text: it makes the errors.
macro_rules! left_to_serde_json {
    ($($method:ident($($name:ident: $type:ty),*))*) => {
        $(
            fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> serde_json::Result<V::Value> {
                let mut json = serde_json::Deserializer::new(StrRead::new(self.json));
                let value = json.$method($($name,)* visitor)?;
                json.end()?;
                Ok(value)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Plain<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        visitor.visit_borrowed_str(self.text)
    }

    left_to_serde_json! {
        deserialize_bool() deserialize_char() deserialize_bytes() deserialize_byte_buf()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
        deserialize_option() deserialize_unit() deserialize_seq() deserialize_map()
        deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str) deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize) deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde::de::DeserializeOwned;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;
    use crate::base64::{Base64, SizedBase64};
    use crate::error::decode_error::explain;

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "shown by `Debug`")]
    enum Either {
        Number(u64),
        Text(String),
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "shown by `Debug`")]
    struct Wrapped(String);

    fn same<T: DeserializeOwned + std::fmt::Debug>(json: &str) {
        let shown = |read: serde_json::Result<T>| {
            read.map(|value| format!("{value:?}")).map_err(|error| explain(&error))
        };
        assert_eq!(shown(decode(json)), shown(serde_json::from_str(json)), "{json:.80}");
    }

    fn same_for_all_types(json: &str) {
        same::<String>(json);
        same::<Box<str>>(json);
        same::<char>(json);
        same::<u64>(json);
        same::<f64>(json);
        same::<bool>(json);
        same::<()>(json);
        same::<Option<String>>(json);
        same::<Vec<u8>>(json);
        same::<(String, u8)>(json);
        same::<HashMap<String, Value>>(json);
        same::<Value>(json);
        same::<Box<RawValue>>(json);
        same::<Base64>(json);
        same::<SizedBase64>(json);
        same::<Either>(json);
        same::<Wrapped>(json);
        same::<std::net::IpAddr>(json);
        same::<std::time::Duration>(json);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn a_long_text_is_decoded_as_by_serde_json(
            piece in prop_oneof!["[a-zA-Z0-9+/]{1,8}", "[ -~]{1,8}", "\\PC{1,8}", Just("\n".to_owned())],
            length in 0..2 * LONG,
            end in prop::sample::select(vec!["", "=", "==", "\\", "\"", "\u{7f}"]),
        ) {
            let text = piece.repeat(length / piece.len()) + end;
            same_for_all_types(&serde_json::to_string(&text).unwrap());
        }
    }

    #[test]
    fn any_other_value_is_decoded_by_serde_json() {
        let number = "1".repeat(2 * LONG);
        let list = serde_json::to_string(&vec!["a"; LONG]).unwrap();
        for json in ["7", "null", "\"\"", "\"7\"", "[1,2]", "{}", &number, &list] {
            same_for_all_types(json);
        }
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let json = format!("\"{}\"", "x".repeat(LONG));
        assert_eq!(decode::<&str>(&json).unwrap(), &json[1..json.len() - 1]);
        assert!(plain(&json.replace("xx", "\\n")).is_none());
    }
}
