//! Writes results and items as JSON, up to the size that may be sent.

use serde::Serialize;

use crate::error::object::ErrorObject;
use crate::util::bounded_writer::BoundedWriter;
use crate::util::escaped::Escaped;
use crate::util::log_throttle::LogThrottle;
use crate::wire::attached::{Attached, Part};

/// Writes `value` at the end of `out`.
///
/// # Errors
/// Returns an error if the value does not fit, or cannot be written as JSON. The log holds the reason.
pub(crate) fn write<T: Serialize>(
    out: &mut BoundedWriter<'_>,
    value: &T,
) -> Result<(), ErrorObject> {
    serde_json::to_writer(&mut *out, value).map_err(|error| {
        if out.is_exceeded() {
            return ErrorObject::answer_too_big(out.limit());
        }
        unwritable(error)
    })
}

/// Returns the JSON text of `value`.
///
/// # Errors
/// Returns an error if the value cannot be written as JSON. The log holds the reason.
pub(crate) fn text(value: &impl Serialize) -> Result<String, ErrorObject> {
    serde_json::to_string(value).map_err(unwritable)
}

#[cold]
pub(crate) fn unwritable(error: serde_json::Error) -> ErrorObject {
    static THROTTLE: LogThrottle = LogThrottle::new();
    if let Some(left_out) = THROTTLE.allow() {
        tracing::error!(left_out, error = %Escaped(error), "a result cannot be written as JSON");
    }
    ErrorObject::internal()
}

/// Writes JSON text at the end of `out`.
///
/// # Errors
/// Returns an error if the text does not fit.
pub(crate) fn write_raw(out: &mut BoundedWriter<'_>, json: &str) -> Result<(), ErrorObject> {
    out.text(json).map_err(|_| ErrorObject::answer_too_big(out.limit()))
}

/// Writes JSON text with the bytes beside it at the end of `out`: bytes as bytes, where `out` takes that.
///
/// # Errors
/// Returns an error if the text does not fit.
pub(crate) fn write_attached(
    out: &mut BoundedWriter<'_>,
    json: &Attached,
) -> Result<(), ErrorObject> {
    let mut written = Ok(());
    json.for_each_part(|part| {
        if written.is_ok() {
            written = match part {
                Part::Text(text) => out.text(text),
                Part::Bytes(bytes) => out.bytes(bytes),
            };
        }
    });
    written.map_err(|_| ErrorObject::answer_too_big(out.limit()))
}
