//! Why nobody takes the items of a channel any more, for those who send them.

use std::fmt;

use crate::error::close::CloseReason;
use crate::error::object::ErrorObject;
use crate::util::sync::{Arc, OnceLock};

/// Why nobody takes the items of a [`StreamSender`](crate::StreamSender) any more.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamEnd {
    /// The taker wants no more items: the taker has dropped the stream or unsubscribed, or the call is over that the
    /// stream went with.
    Stopped,
    /// The connection that carried the stream has ended, or is about to.
    Closed {
        /// How the connection ended. With [`SLOW_READER`](crate::CloseCode::SLOW_READER) the taker may have been too slow
        /// for [`Lag::Disconnect`](crate::Lag::Disconnect).
        reason: CloseReason,
    },
    /// The stream has ended with this error, which the taker was told: another sender has
    /// [failed](crate::StreamSender::fail), or an item could not be written or is too large to be sent.
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

/// Where whoever ends a stream leaves why, before the stream is dropped: what comes first counts. Only a stream
/// from a channel has such a place.
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

    /// Why it ended, if it has.
    pub(super) fn get(&self) -> StreamEnd {
        let told = self.0.as_ref().and_then(|place| place.get());
        told.cloned().unwrap_or(StreamEnd::Stopped)
    }
}
