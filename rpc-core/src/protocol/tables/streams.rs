//! Streams of items that one end sends and the other takes, by the widespread convention for
//! subscriptions (`{"subscription":id,"result":item}` in the params of a notification). A stream among the
//! params of a call is the same, but for the end that begins it.
//!
//! # The life of a stream
//! A stream is registered when its id is known, and removed when neither end needs it any more. In between
//! each end keeps one state. The boxes are the variants of the two `State` enums.
//!
//! ```text
//!  the end that sends (outgoing.rs)            the end that takes (incoming.rs)
//!
//!        register                               register            register
//!        |      |                               a param        a subscription
//!  plain |      | the peer counts                  |                   |
//!   peer |      |                                  v                   |
//!        v      v                            +-----------+             |
//! +---------+ +------+                       | Unclaimed |             |
//! |Unlimited| | Open |<-----+                +-----------+             |
//! +---------+ +------+      |                   |     | claim         |
//!        |      |  | send    | grant             |     |               v
//!        |      |  | (no     | (more             |     |           +------+
//!        |      |  | credit  | than the          |     +---------->| Open |
//!        |      |  | left)   | debt)             | end             +------+
//!        |      |  v         |                   |                     | end, cancel,
//!        |      | +---------+|                   v                     | end_all
//!        |      | | Blocked |+          +----------------+             v
//!        |      | +---------+           | EndedUnclaimed |  claim  +-------+
//!        |      |  |                    +----------------+-------->| Ended |
//!        v      v  v                             |                 +-------+
//!       remove: the last item,             cancel, end_all             | the last item
//!       a stop, or the end of                    v                     v was taken
//!       the call or the link                   remove               remove
//! ```
//!
//! Two things lie outside of the tables. A stream that this end sends is polled only when its call or its
//! answer has left (`Protocol::released`). A stream that this end drops while it is `Open` is removed at
//! once, and a stop is sent; `protocol/abandoned.rs` remembers the stop of a subscription until it is
//! answered, since late items may still come.

mod credit;
mod early;
mod flight;
mod fresh;
mod incoming;
mod outgoing;
#[cfg(test)]
mod properties;
mod texts;

pub(crate) use early::Early;
pub(crate) use flight::InFlight;
pub(crate) use incoming::{Again, Entry, Granted, IncomingStreams, Item, Stop, Wanted};
pub(crate) use outgoing::{Origin, OutgoingStreams};
pub(crate) use texts::Texts;

pub(crate) use super::key::{IncomingKey, OutgoingKey};

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
