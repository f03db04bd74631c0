//! The error object of the specification (section 5.1).

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::code::ErrorCode;
use crate::util::escaped::Escaped;
use crate::util::excerpt::Excerpt;

/// What a method answers when it fails: a code, a message for people, and optional data.
///
/// ```
/// use rpc_core::ErrorObject;
///
/// let error = ErrorObject::new(1001, "room is full").with_data(&30);
/// assert_eq!(serde_json::to_string(&error)?, r#"{"code":1001,"message":"room is full","data":30}"#);
/// assert_eq!(error.data_as::<u32>(), Some(30));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Its `Display` and `Debug` are harmless in a log, whatever the other end wrote: line breaks and control
/// characters are escaped there. The fields are as they came.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorObject {
    /// What kind of error; see [`ErrorCode`] for those with a meaning of their own.
    pub code: i64,
    /// One line for people.
    pub message: String,
    /// Anything else, as its JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub data: Option<Box<RawValue>>,
}

/// Keeps `"data":null` apart from no data at all.
fn present<'de, D: serde::Deserializer<'de>>(de: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(de).map(Some)
}

impl ErrorObject {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with `data`; if that cannot be written as JSON, without.
    #[must_use]
    pub fn with_data<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// The data as a `T`, if there is some and it is one.
    pub fn data_as<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.data.as_ref()?.get()).ok()
    }

    /// -32602: the parameters do not fit the method; say which and why. To say where as data, make it
    /// of an [`Invalid`](crate::validate::Invalid).
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::INVALID_PARAMS, message)
    }

    /// -32603, which says nothing about our inside.
    pub fn internal() -> Self {
        Self::new(ErrorCode::INTERNAL, "internal error")
    }

    /// There is no method of this name, -32601.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(ErrorCode::METHOD_NOT_FOUND, format!("no method `{}`", Excerpt(method)))
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::INVALID_REQUEST, message)
    }

    /// The data if it is an object: what is derived would read an array as well.
    pub(crate) fn object(&self) -> Option<&str> {
        Some(self.data.as_ref()?.get()).filter(|data| data.starts_with('{'))
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", Escaped(&self.message), self.code)
    }
}

/// What is derived would show the data as it came, with line breaks between its parts.
impl fmt::Debug for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.data.as_ref().map(|data| Escaped(data.get()));
        f.debug_struct("ErrorObject")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("data", &data)
            .finish()
    }
}

impl std::error::Error for ErrorObject {}

/// Equal if code, message and the text of the data are.
impl PartialEq for ErrorObject {
    fn eq(&self, other: &Self) -> bool {
        let text = |error: &Self| error.data.as_ref().map(|data| data.get().to_owned());
        self.code == other.code && self.message == other.message && text(self) == text(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_null_is_not_no_data() {
        let error: ErrorObject =
            serde_json::from_str(r#"{"code":1,"message":"m","data":null}"#).unwrap();
        assert_eq!(error.data.unwrap().get(), "null");
    }
}
