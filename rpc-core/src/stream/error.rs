//! The errors of a stream.

use std::fmt;

use super::typing::{StreamErrorType, Untyped};
use crate::error::close::CloseReason;
use crate::error::codec::DecodeError;
use crate::error::object::ErrorObject;
use crate::util::escaped::Escaped;

/// The reason why a stream has no item at this place.
///
/// `E` is the error type of the stream: `Streaming<T, E>`. A `Streaming<T>` has no error type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamError<E = Untyped> {
    /// The stream ended with its own error.
    Method(E),
    /// The stream ended with any other error.
    Remote(ErrorObject),
    /// Items are missing at this place. A plain peer sent them faster than they were received, or the peer did not
    /// send them. The stream goes on.
    Gap {
        /// The number of missing items; 0 if the number is not known, because the subscription was made anew in
        /// another session.
        missed: u64,
    },
    /// The stream was given up, because the call that it belongs to was answered or cancelled.
    Cancelled,
    /// The connection ended, and the stream with it.
    Closed {
        /// How the connection ended.
        reason: CloseReason,
    },
    /// The item does not fit the type of the receiver; the stream goes on. Or the stream has ended with an error that
    /// cannot be read.
    Decode(DecodeError),
}

impl<E: StreamErrorType> StreamError<E> {
    /// Interprets the error with which a stream ended.
    pub(super) fn from_item(error: ErrorObject) -> Self {
        E::read(error).map_or_else(Self::Remote, Self::Method)
    }
}

impl<E: fmt::Display> fmt::Display for StreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The peer chose the fields of this error.
            Self::Method(error) => Escaped(error).fmt(f),
            Self::Remote(error) => error.fmt(f),
            Self::Gap { missed } => write!(f, "{missed} items are missing"),
            Self::Cancelled => f.write_str("the call that the stream belongs to is over"),
            Self::Closed { reason } => reason.fmt(f),
            Self::Decode(_) => f.write_str("cannot read the item"),
        }
    }
}

impl<E: std::error::Error> std::error::Error for StreamError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // `Display` shows this error already, so the source is the source of the error.
            Self::Method(error) => error.source(),
            Self::Decode(why) => Some(why),
            _ => None,
        }
    }
}
