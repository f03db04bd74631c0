//! The errors of sending an item into a channel. Each error returns the item. `Debug` does not show the item, which
//! may be long or secret.

use std::{error, fmt};

use super::ended::StreamEnd;

/// An item that could not be sent, and the reason.
#[derive(Clone, PartialEq)]
pub struct SendError<T> {
    /// The item.
    pub item: T,
    /// The reason why the stream has no receiver.
    pub end: StreamEnd,
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("end", &self.end).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.fmt(f)
    }
}

impl<T> error::Error for SendError<T> {}

/// The reason why [`try_send`](crate::StreamSender::try_send) did not send an item, with the item.
#[derive(Clone, PartialEq)]
pub enum TrySendError<T> {
    /// The channel has no room now.
    Full(T),
    /// The stream has no receiver any more.
    Ended(SendError<T>),
}

impl<T> TrySendError<T> {
    /// Returns the item that was not sent.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::Ended(SendError { item, .. }) => item,
        }
    }

    /// Returns whether the channel has no room. The item may be sent later then.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Ended(error) => f.debug_tuple("Ended").field(error).finish(),
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the channel of the stream is full"),
            Self::Ended(error) => error.fmt(f),
        }
    }
}

impl<T> error::Error for TrySendError<T> {}
