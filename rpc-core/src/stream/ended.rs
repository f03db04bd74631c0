//! The reason why a stream has no receiver any more, for the sender of its items.

use std::fmt;

use crate::error::close::CloseReason;
use crate::error::object::ErrorObject;
use crate::util::sync::{Arc, OnceLock};

/// The reason why the stream of a [`StreamSender`](crate::StreamSender) has no receiver any more.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamEnd {
    /// The receiver wants no more items. It has dropped the stream or unsubscribed, or the call that the stream
    /// belongs to is over.
    Stopped,
    /// The connection that carried the stream has ended, or is about to end.
    Closed {
        /// How the connection ended. After [`SLOW_READER`](crate::CloseCode::SLOW_READER) the receiver may have been
        /// too slow for [`Lag::Disconnect`](crate::Lag::Disconnect).
        reason: CloseReason,
    },
    /// The stream has ended with this error, and the receiver was told. Another sender has called
    /// [`fail`](crate::StreamSender::fail), or an item could not be written or is too large to be sent.
    Failed(ErrorObject),
}

impl fmt::Display for StreamEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("nobody takes the items of the stream any more"),
            Self::Closed { reason } => reason.fmt(f),
            Self::Failed(error) => write!(f, "the stream has ended with an error: {error}"),
        }
    }
}

impl std::error::Error for StreamEnd {}

/// Stores the reason for the end of a stream before the stream is dropped. The first reason counts. Only a stream
/// from a channel has such a store.
#[derive(Clone, Default)]
pub(super) struct Ending(Option<Arc<OnceLock<StreamEnd>>>);

impl Ending {
    pub(super) fn of_channel() -> Self {
        Self(Some(Arc::default()))
    }

    pub(super) fn tell(&self, end: &StreamEnd) {
        if let Some(place) = &self.0 {
            let _ = place.set(end.clone());
        }
    }

    /// Returns the stored reason.
    pub(super) fn get(&self) -> StreamEnd {
        let told = self.0.as_ref().and_then(|place| place.get());
        told.cloned().unwrap_or(StreamEnd::Stopped)
    }
}
