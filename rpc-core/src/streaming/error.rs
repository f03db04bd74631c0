//! Why a stream has no item in some place.

use std::fmt;

use crate::close::CloseReason;
use crate::error::ErrorObject;
use crate::harmless::Harmless;

/// Why a stream has no item in this place.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamError {
    /// The stream ended with this error.
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
    Decode(String),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(error) => error.fmt(f),
            Self::Gap { missed } => write!(f, "{missed} items are missing"),
            Self::Cancelled => f.write_str("the call that the stream belongs to is over"),
            Self::Closed { reason } => reason.fmt(f),
            Self::Decode(why) => write!(f, "cannot read the item: {}", Harmless(why)),
        }
    }
}

impl std::error::Error for StreamError {}
