//! The value of a parameter that is missing in the message.

use std::fmt;

use serde::Deserializer;
use serde::de::{self, Visitor};

/// Returns the value that `T` deserializes from a missing value, if there is one.
#[inline]
pub(crate) fn missing<T: de::DeserializeOwned>() -> Option<T> {
    T::deserialize(Missing).ok()
}

/// A deserializer of a missing value: an `Option` becomes `None`, and any other type fails. So the framework need not
/// recognize an `Option` by its name.
pub(crate) struct Missing;

#[derive(Debug)]
pub(crate) struct Absent;

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("missing")
    }
}

impl std::error::Error for Absent {}

impl de::Error for Absent {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Missing {
    type Error = Absent;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Absent> {
        Err(Absent)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Absent> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
