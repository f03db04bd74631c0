//! The run-time part of `#[derive(RpcError)]`: converts the fields of a variant to `data`, and back.
//!
//! Fields are lists of nested pairs, as the params of a method are. The same decoder reads them, so a field that is
//! an `Option` may be missing here as well.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::object::ErrorObject;
use crate::method::ParamInfo;
use crate::service::params::{ParamList, decode_fitting};
use crate::wire::args::{ArgList, ByPosition, by_name};

/// The fields of a variant as JSON; `None` if there are none, or if they cannot be written.
pub type Data = Option<Box<RawValue>>;

/// Creates an error object whose message is the `Display` text of `error`.
pub fn error_object(code: i64, error: &dyn fmt::Display, data: Data) -> ErrorObject {
    let mut object = ErrorObject::new(code, error.to_string());
    object.data = data;
    object
}

/// Writes the only unnamed field of a variant as its value.
pub fn value_data<T: Serialize>(field: &T) -> Data {
    to_raw_value(field).ok()
}

/// Writes unnamed fields as an array.
pub fn array_data<L: ArgList>(fields: L) -> Data {
    to_raw_value(&ByPosition(&fields, fields.given())).ok()
}

/// Writes named fields as an object.
pub fn object_data<L: ArgList>(names: &'static [ParamInfo], fields: L) -> Data {
    to_raw_value(&by_name(names, fields)).ok()
}

/// Reads the fields from an array or an object. Returns `None` if they do not fit.
pub fn read_data<L: ParamList>(error: &ErrorObject, names: &[ParamInfo]) -> Option<L> {
    decode_fitting(error.data.as_ref()?.get(), names)
}

/// A type that can be received.
///
/// Generated code writes `<T as Receive>::Value` for a type `T` of the application. If `T` cannot be received, the
/// compiler reports this once, at the `T` and not at the macro.
pub trait Receive {
    /// The type itself.
    type Value: DeserializeOwned;
}

impl<T: DeserializeOwned> Receive for T {
    type Value = T;
}

/// A type that can be sent. As with [`Receive`], the compiler reports a `T` that cannot be sent once, at the `T`.
pub trait Give {
    /// The type itself.
    type Value;
}

impl<T: Serialize> Give for T {
    type Value = T;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::params::Param;

    const NAMES: &[ParamInfo] = &[ParamInfo::new("room"), ParamInfo::new("max")];
    type Fields = (Param<String>, (Param<u32>, ()));

    #[test]
    fn fields_become_a_value_an_array_or_an_object() {
        assert_eq!(value_data(&"x").unwrap().get(), r#""x""#);
        assert_eq!(array_data((&"x", (&1, ()))).unwrap().get(), r#"["x",1]"#);
        assert_eq!(object_data(NAMES, (&"x", (&1, ()))).unwrap().get(), r#"{"room":"x","max":1}"#);
    }

    #[test]
    fn fields_are_read_again_or_they_do_not_fit() {
        let read = |data: Data| {
            let (room, (max, ())) = read_data::<Fields>(&error_object(1, &"", data), NAMES)?;
            Some((room.into_value(), max.into_value()))
        };
        assert_eq!(read(array_data((&"x", (&1, ())))), Some(("x".into(), 1)));
        assert_eq!(read(object_data(NAMES, (&"x", (&1, ())))), Some(("x".into(), 1)));
        assert_eq!(read(value_data(&"x")), None);
        assert_eq!(read(None), None);
    }
}
