//! Decodes params as one value, whose type decides which members there are and what happens to others.

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
/// Returns -32602 with the path to the member that does not fit.
pub fn decode_flattened<T: DeserializeOwned>(
    params: Params<'_>,
) -> Result<(Param<T>, ()), ErrorObject> {
    Ok((Param(Some(read_open(params)?)), ()))
}

/// Decodes the params of a method that reports progress as one value. Params by name may hold a progress token under
/// `name`, or under LSP's name for it. The value gets to see the token as well. The token is returned as JSON text.
///
/// # Errors
/// Returns the errors of [`decode_flattened`], and -32602 if the token is not valid.
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
