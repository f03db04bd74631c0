//! Why a stream has no item in some place.

use std::fmt;

use super::typing::{StreamErrorType, Untyped};
use crate::error::close::CloseReason;
use crate::error::codec::DecodeError;
use crate::error::object::ErrorObject;
use crate::util::escaped::Escaped;

/// Why a stream has no item in this place.
///
/// `E` is the error that the type of the stream names: `Streaming<T, E>`. A `Streaming<T>` names none.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamError<E = Untyped> {
    /// The stream ended with its own error.
    Method(E),
    /// The stream ended with any other error.
    Remote(ErrorObject),
    /// Items are missing here: a plain peer sent them faster than they were taken, or another end did
    /// not send them. The stream goes on.
    Gap {
        /// How many.
        missed: u64,
    },
    /// The stream was given up: the call that it came with was answered or cancelled.
    Cancelled,
    /// The connection ended, and the stream with it.
    Closed {
        /// How the connection ended.
        reason: CloseReason,
    },
    /// The item does not fit the type that this end expects; the stream goes on. Or the stream has ended with an
    /// error that cannot be read.
    Decode(DecodeError),
}

impl<E: StreamErrorType> StreamError<E> {
    /// What the error means with which a stream ended.
    pub(super) fn from_item(error: ErrorObject) -> Self {
        E::read(error).map_or_else(Self::Remote, Self::Method)
    }
}

impl<E: fmt::Display> fmt::Display for StreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Its fields are the other end's.
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
            // It speaks through `Display` already; below it is what lies below the error.
            Self::Method(error) => error.source(),
            Self::Decode(why) => Some(why),
            _ => None,
        }
    }
}
