//! Sends items into a stream from any task.

use std::fmt;
use std::marker::PhantomData;

use tokio::sync::mpsc::{self, OwnedPermit};

use super::ended::{Ending, StreamEnd};
use super::send_error::{SendError, TrySendError};
use super::sink::Slot;
use super::typing::{EndsWith, Untyped};
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::util::sync::{Arc, Mutex, PoisonError};

/// Sends items into a [`Streaming`](crate::Streaming). Clones send into the same stream. The stream ends when the
/// last sender is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use rpc_core::types::StreamEnd;
/// use rpc_core::Streaming;
///
/// let (sender, stream) = Streaming::<u32>::channel(8);
/// sender.send(1).await.expect("there is room");
/// drop(stream);
/// let error = sender.send(2).await.unwrap_err();
/// assert_eq!((error.item, error.end), (2, StreamEnd::Stopped));
/// # }
/// ```
///
/// A sender is a [`Sink`](futures_util::Sink) as well, so a stream can be [forwarded] into it. The error of the sink
/// is [`StreamEnd`]. `poll_ready` reserves room in the channel. The sink keeps this room, or its place in the queue
/// for room, until it sends an item, is closed or is dropped. In that time use another clone for
/// [`send`](Self::send). Closing the sink does not end the stream; dropping the last sender does.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use futures_util::{StreamExt, stream};
/// use rpc_core::Streaming;
///
/// let (sender, taken) = Streaming::<u32>::channel(1);
/// let sent = stream::iter([1, 2, 3]).map(Ok).forward(sender);
/// let (sent, taken) = tokio::join!(sent, taken.map(Result::unwrap).collect::<Vec<_>>());
/// assert_eq!((sent, taken), (Ok(()), vec![1, 2, 3]));
/// # }
/// ```
///
/// [forwarded]: futures_util::StreamExt::forward
pub struct StreamSender<T, E = Untyped> {
    pub(super) sender: Sender<T>,
    /// Room for the error that ends the stream, reserved from the start, so that [`fail`](Self::fail) never waits.
    /// Only senders hold this room. It is released with the last sender, and then the stream ends.
    failure: Arc<Mutex<Option<OwnedPermit<Sent<T>>>>>,
    pub(super) ending: Ending,
    /// The room that the sink has reserved.
    pub(super) slot: Slot<T>,
    error: PhantomData<fn(E)>,
}

/// An entry of the channel: an item, or the error that ends the stream.
pub(super) type Sent<T> = Result<T, ErrorObject>;

pub(super) type Sender<T> = mpsc::Sender<Sent<T>>;

impl<T, E> StreamSender<T, E> {
    /// Creates a sender with room for `capacity` items, and the receiver of its channel.
    pub(super) fn channel(capacity: usize, ending: Ending) -> (Self, mpsc::Receiver<Sent<T>>) {
        assert!(capacity > 0, "room for one item at least");
        let (sender, receiver) = mpsc::channel(capacity + 1);
        let failure = sender.clone().try_reserve_owned().expect("nothing was sent yet");
        let failure = Arc::new(Mutex::new(Some(failure)));
        (Self { sender, failure, ending, slot: Slot::None, error: PhantomData }, receiver)
    }

    /// Waits for room in the channel and sends an item. Cancel safe: a future that is dropped before it is ready has
    /// sent nothing.
    ///
    /// A slow receiver keeps the channel full, so the sender waits. With a [`lag`](crate::Streaming::lag) other than
    /// [`Lag::Wait`](crate::Lag::Wait) the items are taken from the channel anyway, and the sender does not wait for
    /// the receiver.
    ///
    /// # Errors
    /// Returns an error if the stream has no receiver any more. The error holds the reason and the item.
    pub async fn send(&self, item: T) -> Result<(), SendError<T>> {
        match self.sender.reserve().await {
            Ok(place) => {
                place.send(Ok(item));
                Ok(())
            }
            Err(_) => Err(SendError { item, end: self.ending.get() }),
        }
    }

    /// Sends an item if the channel has room for it now. Never waits.
    ///
    /// ```
    /// use rpc_core::{Streaming, TrySendError};
    ///
    /// let (sender, stream) = Streaming::<u32>::channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(stream);
    /// let error = sender.try_send(3).unwrap_err();
    /// assert!(!error.is_full());
    /// assert_eq!(error.into_item(), 3);
    /// ```
    ///
    /// # Errors
    /// - [`Full`](TrySendError::Full): the channel has no room.
    /// - [`Ended`](TrySendError::Ended): the stream has no receiver any more.
    ///
    /// Both errors hold the item.
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        match self.sender.try_reserve() {
            Ok(place) => {
                place.send(Ok(item));
                Ok(())
            }
            Err(mpsc::error::TrySendError::Full(())) => Err(TrySendError::Full(item)),
            Err(mpsc::error::TrySendError::Closed(())) => {
                Err(TrySendError::Ended(SendError { item, end: self.ending.get() }))
            }
        }
    }

    /// Ends the stream with an error, after the items that were sent before. Returns at once, even if the channel is
    /// full.
    ///
    /// Does nothing if the stream has ended, or if another sender has called `fail` before. Items that other senders
    /// send afterwards are dropped.
    pub fn fail<F: RpcError>(self, error: F)
    where
        E: EndsWith<F>,
    {
        self.fail_with(error.to_error_object());
    }

    /// Does what [`fail`](Self::fail) does, with an error that the type of the stream need not name.
    pub(super) fn fail_with(self, error: ErrorObject) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = failure.take() {
            place.send(Err(error));
        }
    }

    /// Returns whether the stream has no receiver any more. [`send`](Self::send) fails then.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until the stream has no receiver any more, and returns the reason. Cancel safe.
    pub async fn closed(&self) -> StreamEnd {
        self.sender.closed().await;
        self.ending.get()
    }
}

impl<T, E> Clone for StreamSender<T, E> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            failure: self.failure.clone(),
            ending: self.ending.clone(),
            slot: Slot::None,
            error: PhantomData,
        }
    }
}

impl<T, E> fmt::Debug for StreamSender<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamSender")
    }
}
