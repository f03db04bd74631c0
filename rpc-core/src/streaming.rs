//! Streams of items, as both ends see them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::close::CloseReason;
use crate::complaint::explain;
use crate::error::{ErrorObject, RpcError};
use crate::service::Limited;
use crate::shared::Shared;
use crate::subscriptions::{Item, OfferedKey, TakenKey};
use crate::sync::Arc;
use crate::waiter::Waiter;

/// A stream of items: what a method that is a subscription returns, and what its caller gets; or a
/// parameter of a method, which its caller sends.
///
/// The one who offers makes it from any `Stream`, or from a [`channel`](Self::channel). The one who
/// takes it gets `Result<T, StreamError>` of each item. Dropping it ends it at the other end.
///
/// One among the params of a call lasts as long as the call: it ends by itself, or with the answer, or
/// when the call is given up; then its taker sees [`StreamError::Cancelled`]. If the method returns a
/// stream as well, the two go on until the one returned has ended. Only another end of this kind takes
/// streams as params: towards a plain peer, such a call fails before it is sent, with
/// [`CallError::Encode`](crate::CallError::Encode). The deadline of the call, if it is the default one,
/// begins anew with each item.
///
/// Between two ends of this kind (see [`Setup::greets`](crate::Setup::greets); clients and servers are)
/// a producer never outruns its consumer: the one who takes the items has room for 64 KiB of them
/// (`stream_window` of the [`Limits`](crate::Limits)) and says when there is room again. Until then one
/// item is made ahead and no more. A stream whose taker stalls delays nothing else, and its end is
/// told.
///
/// A plain peer is sent what there is room for in the outbound queue, as with all messages, and is not
/// told of the end of a stream, unless that ends with an error. Of what a plain peer sends, as much
/// waits here; what its taker is too slow for is a [`StreamError::Gap`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::{StreamExt, stream};
/// use rpc_core::{Context, Router, Streaming, memory};
///
/// let offers = Router::new().subscription("ticks", "unsubscribe_ticks", |_: Context, (n,): (u32,)| {
///     async move { Ok(Streaming::new(stream::iter(0..n))) }
/// });
/// let (peer, _) = memory::pair(Router::new(), offers);
/// let mut ticks = peer.subscribe::<u32>("ticks", "unsubscribe_ticks", (3,)).await?;
/// for expected in 0..3 {
///     assert_eq!(ticks.next().await, Some(Ok(expected)));
/// }
/// # Ok(()) }
/// ```
///
/// As a parameter, sent from a channel whose `send` waits for room:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::StreamExt;
/// use rpc_core::{Router, Streaming, memory, service};
///
/// #[service]
/// trait Adder {
///     async fn sum(&self, values: Streaming<i64>) -> i64;
/// }
/// struct Exact;
/// impl Adder for Exact {
///     async fn sum(&self, values: Streaming<i64>) -> i64 {
///         values.fold(0, |sum, value| async move { sum + value.unwrap_or(0) }).await
///     }
/// }
///
/// let (peer, _) = memory::pair(Router::new(), AdderServer::new(Exact));
/// let (values, stream) = Streaming::channel(8);
/// let sum = AdderClient::new(peer).sum(stream).start();
/// for value in 1..=4 {
///     values.send(value).await.expect("the sum is still being made");
/// }
/// drop(values);
/// assert_eq!(sum.await?, 10);
/// # Ok(()) }
/// ```
#[must_use = "a stream that is dropped ends"]
pub struct Streaming<T> {
    source: Source<T>,
}

enum Source<T> {
    /// Offered here.
    Local(Pin<Box<dyn Stream<Item = Result<T, ErrorObject>> + Send>>),
    /// Taken from the other end.
    Remote(Remote),
}

/// A stream of the other end. Dropping it ends it there.
pub(crate) struct Remote {
    shared: Arc<Shared>,
    key: TakenKey,
}

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
    /// The item is not what this end expects. The stream goes on.
    Decode(String),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(error) => error.fmt(f),
            Self::Gap { missed } => write!(f, "{missed} items are missing"),
            Self::Cancelled => f.write_str("the call that the stream belongs to is over"),
            Self::Closed { reason } => reason.fmt(f),
            Self::Decode(why) => write!(f, "cannot read the item: {why}"),
        }
    }
}

impl std::error::Error for StreamError {}

impl<T: Send + 'static> Streaming<T> {
    /// Offers the items of `stream`.
    pub fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self { source: Source::Local(Box::pin(stream.map(Ok))) }
    }

    /// Offers the items of `stream`, which ends with its first error.
    pub fn try_new<E: RpcError>(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> Self {
        let stream = stream.map(|item| item.map_err(|error| error.to_error_object()));
        Self { source: Source::Local(Box::pin(stream)) }
    }

    /// Offers what is sent into a channel that holds `capacity` items; then who sends must wait.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn channel(capacity: usize) -> (StreamSender<T>, Self) {
        let (sender, mut receiver) = mpsc::channel(capacity);
        let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
        (StreamSender { sender }, Self { source: Source::Local(Box::pin(stream)) })
    }
}

impl<T> From<Remote> for Streaming<T> {
    fn from(remote: Remote) -> Self {
        Self { source: Source::Remote(remote) }
    }
}

impl<T: DeserializeOwned> Stream for Streaming<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().source {
            Source::Local(stream) => {
                stream.poll_next_unpin(cx).map(|item| Some(item?.map_err(StreamError::Remote)))
            }
            Source::Remote(remote) => remote.poll_next(cx).map(|item| Some(typed(item?))),
        }
    }
}

fn typed<T: DeserializeOwned>(item: Item) -> Result<T, StreamError> {
    match item {
        Item::Result(json) => {
            serde_json::from_str(&json).map_err(|error| StreamError::Decode(explain(&error)))
        }
        Item::Gap(missed) => Err(StreamError::Gap { missed }),
        Item::Error(error) => Err(StreamError::Remote(error)),
        Item::Cancelled => Err(StreamError::Cancelled),
        Item::Closed(reason) => Err(StreamError::Closed { reason }),
    }
}

impl Remote {
    pub(crate) fn new(shared: Arc<Shared>, key: TakenKey) -> Self {
        Self { shared, key }
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let next = self.shared.with(|state| {
            state.protocol.next_item(self.key, |kept| Waiter::task(kept, cx.waker()))
        });
        next.map_or(Poll::Pending, Poll::Ready)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.shared.with(|state| state.protocol.unsubscribe(self.key));
    }
}

impl<T> Unpin for Streaming<T> {}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streaming")
    }
}

/// Sends items into a [`Streaming`]. Clones send into the same; when the last one is dropped the
/// stream ends.
pub struct StreamSender<T> {
    sender: mpsc::Sender<Result<T, ErrorObject>>,
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

/// A stream that is offered, whatever its items are.
pub(crate) trait Items: Send {
    /// The next step of the stream.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step>;

    /// Writes the item of the last step as JSON at the end of `out`.
    fn write(&mut self, out: &mut Limited<'_>) -> Result<(), ErrorObject>;
}

/// A stream that goes with a call.
pub(crate) struct Argument {
    pub(crate) key: OfferedKey,
    pub(crate) id: Box<str>,
    pub(crate) items: Box<dyn Items>,
}

/// The code of an error item that stands for a gap: a peer that does not know gaps takes it for the
/// end.
const GAP: i64 = crate::ErrorCode::INTERNAL;

/// A step of a stream.
pub(crate) enum Step {
    Item,
    Error(ErrorObject),
    End,
}

/// A [`Streaming`], and the item that it gave last.
pub(crate) struct Offer<T> {
    source: Source<T>,
    item: Option<Last<T>>,
}

enum Last<T> {
    Value(T),
    /// Of a stream that was taken from a third peer: passed on as it came.
    Json(Box<str>),
}

impl<T> Offer<T> {
    pub(crate) fn new(stream: Streaming<T>) -> Self {
        Self { source: stream.source, item: None }
    }

    fn step(&mut self, item: Last<T>) -> Step {
        self.item = Some(item);
        Step::Item
    }
}

impl<T: Serialize + Send> Items for Offer<T> {
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        match &mut self.source {
            Source::Local(stream) => stream.poll_next_unpin(cx).map(|item| match item {
                Some(Ok(item)) => self.step(Last::Value(item)),
                Some(Err(error)) => Step::Error(error),
                None => Step::End,
            }),
            Source::Remote(remote) => remote.poll_next(cx).map(|item| match item {
                Some(Item::Result(json)) => self.step(Last::Json(json)),
                Some(Item::Error(error)) => Step::Error(error),
                Some(Item::Gap(missed)) => {
                    Step::Error(ErrorObject::new(GAP, format!("{missed} items are missing")))
                }
                Some(Item::Cancelled) => Step::Error(ErrorObject::cancelled()),
                Some(Item::Closed(_)) => Step::Error(ErrorObject::internal()),
                None => Step::End,
            }),
        }
    }

    fn write(&mut self, out: &mut Limited<'_>) -> Result<(), ErrorObject> {
        match self.item.take().expect("written once, after a step that gave an item") {
            Last::Value(item) => out.json(&item),
            Last::Json(json) => out.text(&json),
        }
    }
}
