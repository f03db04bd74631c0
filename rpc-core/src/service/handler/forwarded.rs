//! The answer of another peer, as the answer to a call that was handed on to it.

use super::{Finished, Output, Returned};
use crate::error::object::ErrorObject;
use crate::peer::from_answer::{Answer, Kind};
use crate::stream::{Streaming, json};
use crate::util::bounded_writer::BoundedWriter;

/// What a call that was handed on has come to.
pub(crate) enum Forwarded {
    Answer(Answer),
    Error(Box<ErrorObject>),
    /// The stream was taken.
    Taken,
}

impl From<ErrorObject> for Forwarded {
    fn from(error: ErrorObject) -> Self {
        Self::Error(error.into())
    }
}

impl Output for Forwarded {
    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        match self {
            Self::Answer(Answer(Kind::Json(json))) => json::write_raw(out, json)?,
            Self::Answer(Answer(Kind::Attached(json))) => json::write_attached(out, json)?,
            Self::Answer(Answer(Kind::Stream(_))) => {
                if let Self::Answer(Answer(Kind::Stream(stream))) =
                    std::mem::replace(self, Self::Taken)
                {
                    // The items are passed on as text: the type is never used.
                    let items = Streaming::<()>::from(stream).into_items();
                    return Ok(Finished::Stream(items));
                }
            }
            Self::Error(error) => return Err((**error).clone()),
            Self::Taken => return Err(ErrorObject::internal()),
        }
        Ok(Finished::Result)
    }

    fn look(&mut self) -> Returned {
        match self {
            Self::Answer(Answer(Kind::Stream(_))) => Returned::Stream,
            Self::Answer(_) => Returned::Result,
            Self::Error(error) => Returned::Error((**error).clone()),
            Self::Taken => Returned::Error(ErrorObject::internal()),
        }
    }
}
