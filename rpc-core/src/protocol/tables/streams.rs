//! Streams of items that one end offers and the other takes, by the widespread convention for
//! subscriptions (`{"subscription":id,"result":item}` in the params of a notification). A stream
//! among the params of a call is the same, but for who begins it.

mod early;
mod incoming;
mod item;
mod outgoing;
#[cfg(test)]
mod properties;

pub(crate) use early::Early;
pub(crate) use incoming::{IncomingKey, IncomingStreams, Item, Stop, Wanted};
pub(crate) use item::{ItemParams, Said, can_hold_id};
pub(crate) use outgoing::{Origin, OutgoingKey, OutgoingStreams};

/// Returns whether this JSON text is of a type that the id of a stream may have: a string or a number.
pub(crate) fn is_stream_id(json: &str) -> bool {
    matches!(json.as_bytes()[0], b'"' | b'-' | b'0'..=b'9')
}

/// An item counts for at least so many bytes, or empty ones would fill the memory for free.
const LEAST: usize = 64;

/// What an item counts for whose text has so many bytes.
pub(crate) fn cost(bytes: usize) -> usize {
    bytes.max(LEAST)
}
