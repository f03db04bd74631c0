//! Reads the result of a method that may be missing, as the `Option` that a stub returns.
//!
//! serde reads JSON's `null` as `None`. So the result `null` of a method that is there would be `None` as well.

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::de::StrRead;

/// Reads a result as `Some`.
pub(super) fn read<'de, T: Deserialize<'de>>(json: &'de str) -> serde_json::Result<T> {
    T::deserialize(Present(json))
}

/// The JSON text of a result that is there.
struct Present<'de>(&'de str);

impl<'de> Deserializer<'de> for Present<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        let mut json = serde_json::Deserializer::new(StrRead::new(self.0));
        let value = visitor.visit_some(&mut json)?;
        json.end()?;
        Ok(value)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[test]
fn a_result_that_is_there_is_some() {
    assert_eq!(read::<Option<u8>>("7").unwrap(), Some(7));
    assert_eq!(read::<Option<()>>("null").unwrap(), Some(()));
    assert_eq!(read::<Option<Option<u8>>>("null").unwrap(), Some(None));
    assert!(read::<Option<u8>>("null").is_err() && read::<Option<u8>>("7 8").is_err());
}
