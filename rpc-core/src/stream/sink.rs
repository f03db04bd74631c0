//! A sender as a `Sink`. The sink first reserves room for an item, and then puts the item there.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Sink;
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::{SendError, TrySendError};

use super::ended::StreamEnd;
use super::sender::{Sent, StreamSender};

/// The room in the channel that a sink has reserved.
pub(super) enum Slot<T> {
    None,
    /// The sink waits for room, behind other senders.
    Waiting(Reserving<T>),
    /// The sink has room for an item.
    Ready(OwnedPermit<Sent<T>>),
}

/// `Sync`, because `send` and similar functions share the sender by reference.
type Reserving<T> = Pin<Box<dyn Future<Output = Reserved<T>> + Send + Sync>>;

type Reserved<T> = Result<OwnedPermit<Sent<T>>, SendError<()>>;

impl<T: Send + 'static, E> StreamSender<T, E> {
    /// Begins to reserve room. Allocates nothing if there is room now.
    fn reserve(&self) -> Result<Slot<T>, StreamEnd> {
        match self.sender.clone().try_reserve_owned() {
            Ok(place) => Ok(Slot::Ready(place)),
            Err(TrySendError::Full(sender)) => Ok(Slot::Waiting(Box::pin(sender.reserve_owned()))),
            Err(TrySendError::Closed(_)) => Err(self.ending.get()),
        }
    }
}

impl<T: Send + 'static, E> Sink<T> for StreamSender<T, E> {
    type Error = StreamEnd;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamEnd>> {
        let this = self.get_mut();
        if let Slot::None = this.slot {
            this.slot = this.reserve()?;
        }
        if let Slot::Waiting(reserving) = &mut this.slot {
            match ready!(reserving.as_mut().poll(cx)) {
                Ok(place) => this.slot = Slot::Ready(place),
                Err(SendError(())) => this.slot = Slot::None, // and nobody takes items any more
            }
        }
        if this.is_closed() {
            this.slot = Slot::None;
            return Poll::Ready(Err(this.ending.get()));
        }
        Poll::Ready(Ok(()))
    }

    /// # Panics
    /// Panics if `poll_ready` has not returned `Ready(Ok(()))` before.
    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), StreamEnd> {
        let this = self.get_mut();
        let Slot::Ready(place) = std::mem::replace(&mut this.slot, Slot::None) else {
            panic!("`start_send` without room: `poll_ready` comes first");
        };
        if this.is_closed() {
            return Err(this.ending.get());
        }
        place.send(Ok(item));
        Ok(())
    }

    /// Does nothing, because each item is in the channel already.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), StreamEnd>> {
        Poll::Ready(Ok(()))
    }

    /// Returns the reserved room. The stream ends when its last sender is dropped.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), StreamEnd>> {
        self.get_mut().slot = Slot::None;
        Poll::Ready(Ok(()))
    }
}
