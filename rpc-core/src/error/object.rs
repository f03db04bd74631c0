//! The error object of the JSON-RPC specification (section 5.1).

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::code::ErrorCode;
#[cfg(feature = "schema")]
use crate::error::mismatch::Mismatch;
use crate::util::escaped::Escaped;
use crate::util::excerpt::Excerpt;

/// The error that a method answers when it fails: a code, a message for people, and optional data.
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
/// `Display` and `Debug` are safe in a log, whatever the peer wrote: they escape line breaks and control characters.
/// The fields hold the text as it was received.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorObject {
    /// The kind of the error. [`ErrorCode`] lists the reserved codes.
    pub code: i64,
    /// One line for people.
    pub message: String,
    /// Further information about the error, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub data: Option<Box<RawValue>>,
    /// Never on the wire.
    #[cfg(feature = "schema")]
    #[serde(skip)]
    pub(crate) mismatch: Option<Box<Mismatch>>,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ErrorObject {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorObject".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An error of JSON-RPC 2.0.",
            "type": "object",
            "properties": {
                "code": {"type": "integer", "format": "int64"},
                "message": {"type": "string"},
                "data": true,
            },
            "required": ["code", "message"],
        })
    }
}

/// Distinguishes `"data":null` from an error without data.
fn present<'de, D: serde::Deserializer<'de>>(de: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(de).map(Some)
}

impl ErrorObject {
    /// Creates an error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
            #[cfg(feature = "schema")]
            mismatch: None,
        }
    }

    /// Returns how the service of the called method differs at the other end. `None` if that is not known, or not the
    /// reason.
    ///
    /// Only the answers -32601 and -32602 of a peer have a mismatch: of a peer that says in its `$/hello` what it offers,
    /// if this end says so too ([`Discovery::in_hello`](crate::schema::Discovery::in_hello)), or of a peer that this end
    /// has asked ([`Peer::offers`](crate::Peer::offers)). The mismatch is no part of the answer, and is not passed on.
    #[cfg(feature = "schema")]
    pub fn mismatch(&self) -> Option<&Mismatch> {
        self.mismatch.as_deref()
    }

    /// Adds `data` to the error. If `data` cannot be written as JSON, the error has no data.
    #[must_use]
    pub fn with_data<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// Decodes the data as a `T`. Returns `None` if there is no data, or if it does not fit.
    pub fn data_as<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.data.as_ref()?.get()).ok()
    }

    /// Creates -32602: the params do not fit the method. The message should say which param is wrong, and why. To
    /// send the path as data as well, convert an [`Invalid`](crate::validate::Invalid).
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::INVALID_PARAMS, message)
    }

    /// Creates -32603. The message reveals nothing about the inside of this end.
    pub fn internal() -> Self {
        Self::new(ErrorCode::INTERNAL, "internal error")
    }

    /// Creates -32601: there is no method of this name.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(ErrorCode::METHOD_NOT_FOUND, format!("no method `{}`", Excerpt(method)))
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::INVALID_REQUEST, message)
    }

    /// Returns the data if it is an object. Derived `Deserialize` implementations would accept an array as well.
    pub(crate) fn object(&self) -> Option<&str> {
        Some(self.data.as_ref()?.get()).filter(|data| data.starts_with('{'))
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", Escaped(&self.message), self.code)?;
        #[cfg(feature = "schema")]
        if let Some(mismatch) = &self.mismatch {
            write!(f, ": {mismatch}")?;
        }
        Ok(())
    }
}

/// A derived `Debug` would show the data as it was received, with line breaks between its parts.
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

/// Two errors are equal if their codes, their messages and the texts of their data are equal.
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
