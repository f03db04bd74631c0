//! The outcome of a served call, before it is serialised.

use std::fmt;

use bytes::BytesMut;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::object::ErrorObject;
use crate::service::handler::Finished;
use crate::service::handler::Handler;
use crate::stream::json;
use crate::util::bounded_writer::BoundedWriter;
use crate::util::escaped::Escaped;
use crate::util::log_throttle::LogThrottle;
use crate::util::sync::{Arc, Mutex};

/// The outcome of a handler: a result, a stream, or an error. A result is not serialised until the outbound queue has
/// room for it.
///
/// The answer may still differ from the outcome. A result that is larger than an answer may be is answered -32008; a
/// subscription beyond the limit is answered -32006.
///
/// ```
/// use rpc_core::layers::Outcome;
/// use rpc_core::ErrorObject;
///
/// let mut outcome = Outcome::result(&[1, 2]);
/// assert_eq!(outcome.json(1024).unwrap().get(), "[1,2]");
/// let busy = Outcome::from(ErrorObject::busy("searches"));
/// assert_eq!(busy.error().unwrap().code, -32009);
/// ```
pub struct Outcome(Kind);

enum Kind {
    /// The result is inside a handler that has returned. The lock is never contended; it makes this type `Sync`.
    Returned {
        handler: Mutex<Handler>,
        is_stream: bool,
    },
    Json(Arc<RawValue>),
    Error(ErrorObject),
}

impl Outcome {
    pub(crate) fn returned(handler: Handler, is_stream: bool) -> Self {
        Self(Kind::Returned { handler: Mutex::new(handler), is_stream })
    }

    /// Creates an outcome from a result, and serialises the result at once. A result that cannot be serialised
    /// becomes the error -32603.
    pub fn result<T: Serialize + ?Sized>(value: &T) -> Self {
        match serde_json::value::to_raw_value(value) {
            Ok(json) => Self::from_json(json),
            Err(error) => {
                static THROTTLE: LogThrottle = LogThrottle::new();
                if let Some(left_out) = THROTTLE.allow() {
                    tracing::error!(left_out, error = %Escaped(error), "a result cannot be written as JSON");
                }
                ErrorObject::internal().into()
            }
        }
    }

    /// Creates an outcome from a result that is JSON already, for example from [`json`](Self::json).
    pub fn from_json(json: impl Into<Arc<RawValue>>) -> Self {
        Self(Kind::Json(json.into()))
    }

    /// Returns the error, or `None` for a result or a stream.
    pub fn error(&self) -> Option<&ErrorObject> {
        match &self.0 {
            Kind::Error(error) => Some(error),
            Kind::Returned { .. } | Kind::Json(_) => None,
        }
    }

    /// Returns whether the outcome is a stream. A stream is answered with the id of the subscription.
    pub fn is_stream(&self) -> bool {
        matches!(self.0, Kind::Returned { is_stream: true, .. })
    }

    /// Returns the JSON text of the result. The first use serialises the result, keeps the text and drops the value.
    ///
    /// Returns `None`, and changes nothing, if the text would be longer than `limit` bytes. Returns `None` for a
    /// stream and for an error as well. A result that cannot be serialised becomes the error -32603.
    pub fn json(&mut self, limit: usize) -> Option<Arc<RawValue>> {
        if let Kind::Returned { handler, is_stream: false } = &mut self.0 {
            let handler = handler.get_mut().expect(UNLOCKED);
            self.0 = match written(handler, limit)? {
                Ok(json) => Kind::Json(json.into()),
                Err(error) => Kind::Error(error),
            };
        }
        match &self.0 {
            Kind::Json(json) => Some(json.clone()).filter(|json| json.get().len() <= limit),
            Kind::Returned { .. } | Kind::Error(_) => None,
        }
    }

    /// Writes the outcome as [`Handler::finish`] does.
    pub(crate) fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        match &mut self.0 {
            Kind::Returned { handler, .. } => handler.get_mut().expect(UNLOCKED).finish(out),
            Kind::Json(json) => json::write_raw(out, json.get()).map(|()| Finished::Result),
            Kind::Error(error) => Err(error.clone()),
        }
    }
}

const UNLOCKED: &str = "nobody panics with a lock that nobody takes";

/// Serialises the result. Returns `None` if the text is longer than `limit` bytes.
fn written(handler: &mut Handler, limit: usize) -> Option<Result<Box<RawValue>, ErrorObject>> {
    let mut buffer = BytesMut::new();
    let out = &mut BoundedWriter::new(&mut buffer, limit, 0);
    match handler.finish(out) {
        Err(_) if out.is_exceeded() => None,
        Err(error) => Some(Err(error)),
        Ok(_) => {
            // A `Serialize` implementation may pass on raw text that is not JSON. This check keeps such text out of
            // `Kind::Json`.
            let text = String::from_utf8(buffer.into()).ok();
            let json = text.and_then(|text| RawValue::from_string(text).ok());
            Some(json.ok_or_else(ErrorObject::internal))
        }
    }
}

impl From<ErrorObject> for Outcome {
    fn from(error: ErrorObject) -> Self {
        Self(Kind::Error(error))
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Returned { is_stream: true, .. } => f.write_str("Stream"),
            Kind::Returned { .. } => f.write_str("Result"),
            Kind::Json(json) => f.debug_tuple("Result").field(&Escaped(json.get())).finish(),
            Kind::Error(error) => f.debug_tuple("Error").field(error).finish(),
        }
    }
}
