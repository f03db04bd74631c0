//! Finds out whether a value serializes as `None`. The check happens before the value is written, since a comma is
//! written before each value that is not left out.

use std::fmt;

use serde::Serialize;
use serde::ser::{Error, Impossible, Serializer};

/// Returns whether `value` serializes as `None`. The check of any other value stops at its first token, so no value is
/// written twice.
pub(super) fn is_none<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Listener).is_ok()
}

/// A serializer that accepts only `None`.
struct Listener;

/// The error for a value that is not `None`.
#[derive(Debug)]
struct Other;

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not `None`")
    }
}

impl std::error::Error for Other {}

impl Error for Other {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Methods of a serializer that refuse their value.
macro_rules! refuse {
    ($($method:ident: $ty:ty,)*) => {
        $(fn $method(self, _: $ty) -> Result<(), Other> {
            Err(Other)
        })*
    };
}

impl Serializer for Listener {
    type Ok = ();
    type Error = Other;
    type SerializeSeq = Impossible<(), Other>;
    type SerializeTuple = Impossible<(), Other>;
    type SerializeTupleStruct = Impossible<(), Other>;
    type SerializeTupleVariant = Impossible<(), Other>;
    type SerializeMap = Impossible<(), Other>;
    type SerializeStruct = Impossible<(), Other>;
    type SerializeStructVariant = Impossible<(), Other>;

    refuse! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_u128: u128, serialize_f32: f32, serialize_f64: f64,
        serialize_unit_struct: &'static str,
    }

    fn serialize_none(self) -> Result<(), Other> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Other> {
        Err(Other)
    }

    /// `()` is `null` as well, but it is not left out: a receiver of `()` requires the value.
    fn serialize_unit(self) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Other> {
        Err(Other)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Other> {
        Err(Other)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Other> {
        Err(Other)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Other> {
        Err(Other)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Other> {
        Err(Other)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Other> {
        Err(Other)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Other> {
        Err(Other)
    }

    /// Ignores the text. The default of this method would allocate the text.
    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Other> {
        Err(Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(transparent)]
    struct Transparent(Option<u8>);

    #[derive(Serialize)]
    struct Wrapped(Option<u8>);

    #[derive(Serialize)]
    enum Choice {
        None,
    }

    #[test]
    fn only_none_is_none() {
        assert!(is_none(&None::<u8>) && is_none(&&None::<String>) && is_none(&Transparent(None)));
        assert!(is_none(&Box::new(None::<u8>)));
        assert!(
            !is_none(&Some(1)) && !is_none(&Some(None::<u8>)) && !is_none(&Transparent(Some(1)))
        );
        assert!(!is_none(&()) && !is_none(&serde_json::Value::Null) && !is_none(&f64::NAN));
        assert!(!is_none(&Wrapped(None)) && !is_none(&Choice::None) && !is_none(""));
        assert!(
            !is_none(&(None::<u8>,)) && !is_none(&[None::<u8>; 0]) && !is_none(&format_args!(""))
        );
    }
}
