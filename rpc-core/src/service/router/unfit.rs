//! Finds types that no params can fit, when a method is added and before its first call.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Returns whether no params can be a `P`. Params are an array or an object, and `P` asks for a number, a string or a
/// bool.
///
/// A type reveals what it asks for when it is deserialized, so `P` is deserialized from nothing.
pub(super) fn never_fits<P: DeserializeOwned>() -> bool {
    matches!(P::deserialize(Probe), Err(Requested::Scalar))
}

/// Records what a type asks for, and gives it nothing.
struct Probe;

/// What a type asked for.
#[derive(Debug)]
enum Requested {
    Scalar,
    /// Anything else, or the type itself returned an error.
    Else,
}

macro_rules! scalars {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Requested> {
            Err(Requested::Scalar)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Requested;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Requested> {
        Err(Requested::Else)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Requested> {
        if name.starts_with(super::closure::PRIVATE) {
            return Err(Requested::Else);
        }
        visitor.visit_newtype_struct(self)
    }

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string
    }

    forward_to_deserialize_any! {
        bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl de::Error for Requested {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Else
    }
}

impl fmt::Display for Requested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is read here")
    }
}

impl std::error::Error for Requested {}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Deserialize)]
    struct Wrapped<T>(T);

    #[derive(Deserialize)]
    struct Named {
        _n: u8,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "nothing is read")]
    enum Choice {
        _A(u8),
    }

    #[test]
    fn only_a_scalar_never_fits() {
        assert!(never_fits::<u64>() && never_fits::<String>() && never_fits::<bool>());
        assert!(never_fits::<f32>() && never_fits::<char>() && never_fits::<Wrapped<i8>>());
        assert!(!never_fits::<()>() && !never_fits::<(u8,)>() && !never_fits::<Vec<u8>>());
        assert!(!never_fits::<Named>() && !never_fits::<Choice>() && !never_fits::<Value>());
        assert!(!never_fits::<HashMap<String, u8>>() && !never_fits::<Box<RawValue>>());
        // An `Option` reads no params as `None`.
        assert!(!never_fits::<Option<u8>>() && !never_fits::<Wrapped<(u8,)>>());
    }
}
