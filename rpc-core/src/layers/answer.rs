//! The answer to a call, as the layers around it see it.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::call::CallError;
use crate::peer::from_answer::{Answer, FromAnswer, Kind};

impl Answer {
    /// An answer in the place of the other end's: to a call that was not sent, or instead of what
    /// came.
    ///
    /// # Errors
    /// [`Decode`](CallError::Decode): `value` cannot be written as JSON.
    pub fn result<T: Serialize + ?Sized>(value: &T) -> Result<Self, CallError> {
        let json = serde_json::to_string(value);
        json.map(|json| Self(Kind::Json(json.into())))
            .map_err(|e| CallError::Decode(e.to_string().into()))
    }

    /// An answer that is JSON already.
    pub fn from_json(json: &RawValue) -> Self {
        Self(Kind::Json(json.get().into()))
    }

    /// What a notification comes to when it is on its way: `null`.
    pub(crate) fn null() -> Self {
        Self(Kind::Json("null".into()))
    }

    /// The JSON text of the result; `None` for a stream. Of a notification that is on its way it is
    /// `null`.
    pub fn json(&self) -> Option<&str> {
        match &self.0 {
            Kind::Json(json) => Some(json),
            Kind::Stream(_) => None,
        }
    }

    /// What it says, as the caller of a method knows it: a type that is read from JSON, or a
    /// [`Streaming`](crate::Streaming).
    ///
    /// # Errors
    /// [`Decode`](CallError::Decode): it is of another type.
    pub fn decode<T: FromAnswer>(self) -> Result<T, CallError> {
        T::read(self).map_err(|why| CallError::Decode(why.into()))
    }

    /// Whether it is a stream. Dropping the answer ends that.
    pub fn is_stream(&self) -> bool {
        matches!(self.0, Kind::Stream(_))
    }
}

/// A call can be asked for its raw answer.
impl FromAnswer for Answer {
    fn read(answer: Answer) -> Result<Self, String> {
        Ok(answer)
    }
}
