//! Events that many subscribe to.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::view::{View, Viewer};
use super::{Source, Streaming};
use crate::error::codec::EncodeError;
use crate::error::rpc_error::RpcError;
use crate::util::sync::Arc;

mod ring;
mod shared;
mod taker;

use ring::{Bounds, Event};
use shared::{Publisher, Shared};
use taker::Taker;

/// Events that many subscribe to. An event is serialised once, however many takers there are.
///
/// A handler of a subscription returns [`subscribe`](Self::subscribe), a [`Streaming`]. Each taker gets all events in
/// their order, as fast as that taker reads. The publisher never waits for a taker. The topic keeps the last events for
/// takers that are slower: 1,024 events and 4 MiB of their JSON text, unless the [`builder`](Self::builder) says otherwise. A
/// taker that falls further behind gets a [`StreamError::Gap`](crate::StreamError::Gap) and goes on with the oldest
/// event that is kept; its connection counts the lost events as
/// [dropped](crate::types::Counters::dropped). [`Streaming::lag`] sets another policy for one taker.
///
/// Clones publish to the same topic. When the last clone is dropped, the streams of the takers end.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Router, Streaming, Topic, memory, service};
///
/// #[service]
/// trait Shop {
///     async fn sales(&self) -> Streaming<String>;
/// }
/// struct Till {
///     sales: Topic<String>,
/// }
/// impl Shop for Till {
///     async fn sales(&self) -> Streaming<String> {
///         self.sales.subscribe()
///     }
/// }
///
/// let sales = Topic::new();
/// let (peer, _) = memory::pair(Router::new(), ShopServer::new(Till { sales: sales.clone() }));
/// let mut taken = ShopClient::new(peer).sales().await?;
/// sales.publish("a hat".to_owned())?;
/// assert_eq!(taken.next().await, Some(Ok("a hat".to_owned())));
/// # Ok(()) }
/// ```
pub struct Topic<T> {
    publisher: Arc<Publisher<T>>,
}

impl<T> Topic<T> {
    /// Creates a topic without takers, with the defaults of the [`builder`](Self::builder).
    pub fn new() -> Self {
        TopicBuilder::new().build()
    }

    /// Returns a builder, for a topic with a history or with other bounds.
    ///
    /// ```
    /// use rpc_core::Topic;
    ///
    /// let messages = Topic::<String>::builder().history(50).build();
    /// # drop(messages);
    /// ```
    pub fn builder() -> TopicBuilder<T> {
        TopicBuilder::new()
    }

    /// Returns the number of takers.
    pub fn takers(&self) -> usize {
        self.publisher.0.takers.len()
    }

    /// Ends the streams of all takers, after the events that were published, as if the last handle were dropped. Events that are published afterwards reach nobody.
    pub fn close(&self) {
        self.publisher.0.finish(Ok(()));
    }

    /// Ends the streams of all takers with an error, after the events that were published. Does nothing if the topic
    /// was closed or has failed before. Events that are published afterwards reach nobody.
    pub fn fail<F: RpcError>(&self, error: F) {
        self.publisher.0.finish(Err(error.to_error_object()));
    }
}

impl<T: Serialize> Topic<T> {
    /// Publishes an event. Returns how many takers there are. Never waits.
    ///
    /// # Errors
    /// The event cannot be written as JSON, or its JSON text is longer than [`event_bytes`](TopicBuilder::event_bytes).
    /// No taker gets the event then.
    pub fn publish(&self, event: T) -> Result<usize, EncodeError> {
        let shared = &self.publisher.0;
        let json =
            serde_json::to_string(&event).map_err(|error| EncodeError::from(error.to_string()))?;
        if json.len() > shared.event_bytes {
            let (bytes, limit) = (json.len(), shared.event_bytes);
            return Err(format!(
                "an event of {bytes} bytes is longer than `event_bytes`, which is {limit}"
            )
            .into());
        }
        shared.push(Event { value: event, json: json.into() });
        Ok(shared.takers.len())
    }
}

impl<T: Send + Sync + 'static> Topic<T> {
    /// Returns a stream of the events from now on, after the [history](TopicBuilder::history).
    pub fn subscribe<E>(&self) -> Streaming<T, E> {
        self.taker(None)
    }

    /// Returns a stream of what `view` lets the taker see of each event.
    ///
    /// `view` runs in the task of the taker's connection. An event that all takers see is not serialised again.
    ///
    /// ```
    /// use rpc_core::{Streaming, Topic, View};
    ///
    /// let orders = Topic::<(String, u32)>::new();
    /// let mine = |user: String| -> Streaming<(String, u32)> {
    ///     orders.subscribe_as(move |(buyer, _)| if *buyer == user { View::All } else { View::Hidden })
    /// };
    /// # drop(mine("Ada".into()));
    /// ```
    pub fn subscribe_as<E>(
        &self,
        view: impl FnMut(&T) -> View<T> + Send + 'static,
    ) -> Streaming<T, E> {
        self.taker(Some(Box::new(view)))
    }

    fn taker<E>(&self, view: Option<Viewer<T>>) -> Streaming<T, E> {
        let taker = Taker::new(self.publisher.0.clone(), view);
        Streaming::of(Source::Topic(Box::new(taker)))
    }
}

/// Sets what a [`Topic`] keeps.
#[must_use = "a builder makes nothing until `build`"]
pub struct TopicBuilder<T> {
    bounds: Bounds,
    history: usize,
    event_bytes: usize,
    events: PhantomData<fn() -> T>,
}

impl<T> TopicBuilder<T> {
    fn new() -> Self {
        let bounds = Bounds { events: 1024, bytes: 4 << 20 };
        Self { bounds, history: 0, event_bytes: 1 << 20, events: PhantomData }
    }

    /// Sets how many events the topic keeps for takers that are slow. 1,024 by default, and at least the
    /// [`history`](Self::history) and one.
    pub fn keep(mut self, events: usize) -> Self {
        self.bounds.events = events;
        self
    }

    /// Sets how many bytes of JSON text the topic keeps. 4 MiB by default. The newest event is kept, however long it is.
    pub fn keep_bytes(mut self, bytes: usize) -> Self {
        self.bounds.bytes = bytes;
        self
    }

    /// Sets how many of the last events a new taker gets first. 0 by default.
    ///
    /// A client that reconnects and whose session was not resumed is a new taker: after the
    /// [`StreamError::Gap`](crate::StreamError::Gap) it gets the last events once more.
    pub fn history(mut self, events: usize) -> Self {
        self.history = events;
        self
    }

    /// Sets how many bytes of JSON text an event may have. 1 MiB by default. An event should not be longer than
    /// [`message_out`](crate::Limits::message_out) of any connection that takes it: there the stream would end with an
    /// error.
    pub fn event_bytes(mut self, bytes: usize) -> Self {
        self.event_bytes = bytes;
        self
    }

    /// Creates the topic.
    pub fn build(self) -> Topic<T> {
        let Self { mut bounds, history, event_bytes, .. } = self;
        bounds.events = bounds.events.max(history).max(1);
        let shared = Shared::new(bounds, history, event_bytes);
        Topic { publisher: Arc::new(Publisher(Arc::new(shared))) }
    }
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self { publisher: self.publisher.clone() }
    }
}

impl<T> Default for Topic<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TopicBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bounds, history, event_bytes, .. } = self;
        let mut debug = f.debug_struct("TopicBuilder");
        debug.field("bounds", bounds).field("history", history).field("event_bytes", event_bytes);
        debug.finish()
    }
}

impl<T> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("takers", &self.takers()).finish_non_exhaustive()
    }
}
