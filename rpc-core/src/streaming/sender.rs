//! Items sent into a stream from elsewhere.

use std::fmt;

use tokio::sync::mpsc;

use crate::error::{ErrorObject, RpcError};

/// Sends items into a [`Streaming`](crate::Streaming). Clones send into the same; when the last one is dropped the
/// stream ends.
pub struct StreamSender<T> {
    pub(super) sender: mpsc::Sender<Result<T, ErrorObject>>,
}

impl<T> StreamSender<T> {
    /// Waits for room and sends an item. Dropped before that, nothing is sent.
    ///
    /// # Errors
    /// The item, if nobody takes it any more.
    pub async fn send(&self, item: T) -> Result<(), T> {
        match self.sender.reserve().await {
            Ok(place) => {
                place.send(Ok(item));
                Ok(())
            }
            Err(_) => Err(item),
        }
    }

    /// Ends the stream with an error, after what was sent before; nothing happens if it has ended.
    pub async fn fail(self, error: impl RpcError) {
        // Nobody takes it any more.
        let _ = self.sender.send(Err(error.to_error_object())).await;
    }

    /// Waits until nobody takes the items any more.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }
}

impl<T> Clone for StreamSender<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for StreamSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamSender")
    }
}
