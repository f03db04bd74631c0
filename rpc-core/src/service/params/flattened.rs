//! Params that are one value: its type says which members there are, and what becomes of others.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Param;
use super::token::{Token, WORK_DONE};
use crate::error::decode_error::explain;
use crate::error::object::ErrorObject;
use crate::service::Params;
use crate::service::router::read_open;

/// Decodes all params of a call as one value. No params are read as `{}`.
///
/// # Errors
/// -32602, with the path of the member that does not fit.
pub fn decode_flattened<T: DeserializeOwned>(
    params: Params<'_>,
) -> Result<(Param<T>, ()), ErrorObject> {
    Ok((Param(Some(read_open(params)?)), ()))
}

/// The same for a method that reports its progress: among params that go by name there may be a token for that, under
/// the name that LSP has for it, and this one. The value has it as well. It comes as JSON text.
///
/// # Errors
/// As of [`decode_flattened`]; or the token is none.
#[expect(clippy::type_complexity, reason = "as `decode_with_token` of a list of one")]
pub fn decode_flattened_with_token<T: DeserializeOwned>(
    params: Params<'_>,
    name: Option<&'static str>,
) -> Result<((Param<T>, ()), Option<Box<str>>), ErrorObject> {
    let list = decode_flattened(params)?;
    let mut token = Token::new(name.unwrap_or(WORK_DONE));
    if let Some(text) = params.as_str().filter(|text| text.starts_with('{')) {
        let read = serde_json::Deserializer::from_str(text).deserialize_map(Members(&mut token));
        read.map_err(|error| ErrorObject::invalid_params(explain(&error)))?;
    }
    Ok((list, token.into_given()))
}

/// Looks for a token among the members of params.
struct Members<'t>(&'t mut Token);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params as an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if self.0.is_called(&key) {
                let value = map.next_value::<&RawValue>()?;
                self.0.read(value.get()).map_err(de::Error::custom)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
