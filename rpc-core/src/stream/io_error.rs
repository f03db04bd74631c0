//! The errors of a stream as errors of input and output.

use std::io::{Error, ErrorKind};

use super::ended::StreamEnd;
use super::error::StreamError;

/// Wraps the error of a stream, for readers. The kind is never one that a reader takes for the end of the input or for a
/// reason to try again:
///
/// - [`ConnectionAborted`](ErrorKind::ConnectionAborted): the connection or the call is over.
/// - [`InvalidData`](ErrorKind::InvalidData): items are missing, or an item cannot be read.
/// - [`Other`](ErrorKind::Other): the stream has ended with an error of the sender.
///
/// [`get_ref`](Error::get_ref) returns the `StreamError`.
impl<E: std::error::Error + Send + Sync + 'static> From<StreamError<E>> for Error {
    fn from(error: StreamError<E>) -> Self {
        let kind = match &error {
            StreamError::Method(_) | StreamError::Remote(_) => ErrorKind::Other,
            StreamError::Gap { .. } | StreamError::Decode(_) => ErrorKind::InvalidData,
            StreamError::Cancelled | StreamError::Closed { .. } => ErrorKind::ConnectionAborted,
        };
        Self::new(kind, error)
    }
}

/// Wraps the reason why nobody takes the items of a stream any more, for writers:
///
/// - [`BrokenPipe`](ErrorKind::BrokenPipe): the receiver wants no more items.
/// - [`ConnectionAborted`](ErrorKind::ConnectionAborted): the connection has ended.
/// - [`Other`](ErrorKind::Other): the stream has ended with an error.
///
/// [`get_ref`](Error::get_ref) returns the `StreamEnd`.
impl From<StreamEnd> for Error {
    fn from(end: StreamEnd) -> Self {
        let kind = match &end {
            StreamEnd::Stopped => ErrorKind::BrokenPipe,
            StreamEnd::Closed { .. } => ErrorKind::ConnectionAborted,
            StreamEnd::Failed(_) => ErrorKind::Other,
        };
        Self::new(kind, end)
    }
}
