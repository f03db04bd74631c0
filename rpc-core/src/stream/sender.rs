//! Items sent into a stream from elsewhere.

use std::fmt;
use std::marker::PhantomData;

use tokio::sync::mpsc;

use super::ended::{Ending, SendError, StreamEnd};
use super::typing::{EndsWith, Untyped};
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;

/// Sends items into a [`Streaming`](crate::Streaming). Clones send into the same; when the last one is dropped the
/// stream ends.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use rpc_core::{StreamEnd, Streaming};
///
/// let (sender, stream) = Streaming::<u32>::channel(8);
/// sender.send(1).await.expect("there is room");
/// drop(stream);
/// let error = sender.send(2).await.unwrap_err();
/// assert_eq!((error.item, error.end), (2, StreamEnd::Stopped));
/// # }
/// ```
pub struct StreamSender<T, E = Untyped> {
    sender: mpsc::Sender<Result<T, ErrorObject>>,
    ending: Ending,
    error: PhantomData<fn(E)>,
}

impl<T, E> StreamSender<T, E> {
    pub(super) fn new(sender: mpsc::Sender<Result<T, ErrorObject>>, ending: Ending) -> Self {
        Self { sender, ending, error: PhantomData }
    }

    /// Waits for room and sends an item. Dropped before that, nothing is sent.
    ///
    /// A slow taker keeps the channel full, so who sends waits. If the stream has a [`lag`](crate::Streaming::lag) other
    /// than [`Lag::Wait`](crate::Lag::Wait), items are taken from the channel all the same, and no taker is waited for.
    ///
    /// # Errors
    /// Nobody takes the items any more. The error says why, and has the item.
    pub async fn send(&self, item: T) -> Result<(), SendError<T>> {
        match self.sender.reserve().await {
            Ok(place) => {
                place.send(Ok(item));
                Ok(())
            }
            Err(_) => Err(SendError { item, end: self.ending.get() }),
        }
    }

    /// Ends the stream with an error, after what was sent before; nothing happens if it has ended.
    pub async fn fail<F: RpcError>(self, error: F)
    where
        E: EndsWith<F>,
    {
        // Nobody takes it any more.
        let _ = self.sender.send(Err(error.to_error_object())).await;
    }

    /// Whether nobody takes the items any more: then [`send`](Self::send) fails.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until nobody takes the items any more; says why. May be dropped at any point.
    pub async fn closed(&self) -> StreamEnd {
        self.sender.closed().await;
        self.ending.get()
    }
}

impl<T, E> Clone for StreamSender<T, E> {
    fn clone(&self) -> Self {
        Self::new(self.sender.clone(), self.ending.clone())
    }
}

impl<T, E> fmt::Debug for StreamSender<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamSender")
    }
}
