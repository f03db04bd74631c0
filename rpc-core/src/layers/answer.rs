//! The answer to a call, as layers see it.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::call::CallError;
use crate::peer::from_answer::{Answer, FromAnswer, Kind};

impl Answer {
    /// Creates an answer from a result, for a layer that answers a call itself or replaces the answer of the peer.
    ///
    /// # Errors
    /// Returns [`Decode`](CallError::Decode) if `value` cannot be written as JSON.
    pub fn result<T: Serialize + ?Sized>(value: &T) -> Result<Self, CallError> {
        let json = serde_json::to_string(value);
        json.map(|json| Self(Kind::Json(json.into())))
            .map_err(|e| CallError::Decode(e.to_string().into()))
    }

    /// Creates an answer from a result that is JSON already.
    pub fn from_json(json: &RawValue) -> Self {
        Self(Kind::Json(json.get().into()))
    }

    /// The answer to a notification that is on its way: `null`.
    pub(crate) fn null() -> Self {
        Self(Kind::Json("null".into()))
    }

    /// Returns the JSON text of the result, or `None` for a stream. For a notification that is on its way the text is
    /// `null`.
    pub fn json(&self) -> Option<&str> {
        match &self.0 {
            Kind::Json(json) => Some(json),
            Kind::Attached(result) => Some(result.whole()),
            Kind::Stream(_) => None,
        }
    }

    /// Decodes the answer to the type that the caller expects: a type that is read from JSON, or a
    /// [`Streaming`](crate::Streaming).
    ///
    /// # Errors
    /// Returns [`Decode`](CallError::Decode) if the answer does not fit the type.
    pub fn decode<T: FromAnswer>(self) -> Result<T, CallError> {
        T::read(self).map_err(|why| CallError::Decode(why.into()))
    }

    /// Returns whether the answer is a stream. Dropping the answer ends the stream.
    pub fn is_stream(&self) -> bool {
        matches!(self.0, Kind::Stream(_))
    }
}

/// A caller may ask for the raw answer.
impl FromAnswer for Answer {
    fn read(answer: Answer) -> Result<Self, String> {
        Ok(answer)
    }

    fn read_optional(answer: Option<Answer>) -> Result<Self, String> {
        answer.ok_or_else(|| "there is no such method".into())
    }
}
