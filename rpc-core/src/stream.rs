//! Streams of items, as both ends see them.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::{FusedStream, Next};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use crate::error::decode_error::explain;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::protocol::tables::streams::Item;

mod buffered;
mod ended;
mod error;
pub(crate) mod json;
mod lag;
mod remote;
mod send_error;
mod sender;
mod sink;
mod source;
mod typing;

pub use ended::StreamEnd;
pub use error::StreamError;
pub use lag::{Lag, LagKey};
pub(crate) use remote::Remote;
pub use send_error::{SendError, TrySendError};
pub use sender::StreamSender;
pub(crate) use source::{Argument, BufferProgress, Items, Step};
pub use typing::{EndsWith, StreamErrorType, Untyped};

use ended::Ending;
use lag::Buffer;

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
/// Between two ends of this kind (each says [`Hello`](crate::transport::Hello) to the other; our client and server do)
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
/// use futures_util::stream;
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
/// Of a node of another kind, here Ethereum's, whose one method subscribes to several things and tells
/// them apart by its first param:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::stream;
/// use rpc_core::{Router, Streaming, memory, service};
/// use serde_json::{Value, json};
///
/// #[service(namespace = "eth", separator = "_", rename_all = "camelCase")]
/// trait Node {
///     async fn block_number(&self) -> String;
///     #[subscription(
///         name = "subscribe", selector = "newHeads",
///         item = "eth_subscription", unsubscribe = "eth_unsubscribe"
///     )]
///     async fn new_heads(&self) -> Streaming<Value>;
///     #[subscription(
///         name = "subscribe", selector = "logs",
///         item = "eth_subscription", unsubscribe = "eth_unsubscribe"
///     )]
///     async fn logs(&self, filter: Value) -> Streaming<Value>;
/// }
/// # struct Chain;
/// # impl Node for Chain {
/// #     async fn block_number(&self) -> String { "0x1b4".into() }
/// #     async fn new_heads(&self) -> Streaming<Value> { Streaming::new(stream::empty()) }
/// #     async fn logs(&self, filter: Value) -> Streaming<Value> { Streaming::new(stream::iter([filter])) }
/// # }
/// # let (peer, _) = memory::pair(Router::new(), NodeServer::new(Chain));
///
/// let node = NodeClient::new(peer);
/// let filter = json!({"address": "0x8320fe7702b96808f7bbc0d4a888ed1468216cfd"});
/// let mut logs = node.logs(filter.clone()).await?; // calls `eth_subscribe` with `["logs", {"address": …}]`
/// assert_eq!(logs.next().await, Some(Ok(filter)));
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
///
/// The second type says which errors the stream ends with. The taker then gets them back as
/// [`StreamError::Method`], as the typed error of a call is [`CallError::Method`](crate::CallError::Method); any other
/// error is [`StreamError::Remote`]. Without it, the taker gets each error as `Remote`, and the stream may end
/// with any [`RpcError`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::stream;
/// use rpc_core::{Router, RpcError, StreamError, Streaming, memory, service};
///
/// #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
/// #[error("the feed is lost at {at}")]
/// #[rpc(code = 7)]
/// struct FeedLost { at: u32 }
///
/// #[service]
/// trait Feed {
///     async fn prices(&self) -> Streaming<u32, FeedLost>;
/// }
/// struct Exchange;
/// impl Feed for Exchange {
///     async fn prices(&self) -> Streaming<u32, FeedLost> {
///         Streaming::try_new(stream::iter([Ok(3), Err(FeedLost { at: 1 })]))
///     }
/// }
///
/// let (peer, _) = memory::pair(Router::new(), FeedServer::new(Exchange));
/// let mut prices = FeedClient::new(peer).prices().await?;
/// assert_eq!(prices.next().await, Some(Ok(3)));
/// assert_eq!(prices.next().await, Some(Err(StreamError::Method(FeedLost { at: 1 }))));
/// # Ok(()) }
/// ```
#[must_use = "a stream that is dropped ends"]
pub struct Streaming<T, E = Untyped> {
    source: Source<T>,
    /// Where items wait that cannot be sent yet; else it is the source that waits.
    buffer: Option<Box<dyn Buffer<T>>>,
    /// Who sends the items, if they come from a channel, hears here why it ended.
    ending: Ending,
    error: PhantomData<fn() -> E>,
}

type Local<T> = Pin<Box<dyn Stream<Item = Result<T, ErrorObject>> + Send>>;

enum Source<T> {
    /// Offered here.
    Local(Local<T>),
    /// Taken from the other end.
    Remote(Remote),
    /// Read here to its end, and dropped.
    Ended,
}

impl<T: Send + 'static, E: StreamErrorType> Streaming<T, E> {
    /// Offers the items of `stream`.
    pub fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self::local(stream.map(Ok))
    }

    /// Offers the items of `stream`, which ends with its first error. That is an `E`; if the stream is
    /// [`Untyped`], it is any [`RpcError`].
    pub fn try_new<F: RpcError>(stream: impl Stream<Item = Result<T, F>> + Send + 'static) -> Self
    where
        E: EndsWith<F>,
    {
        let stream = stream.map(|item| item.map_err(|error| error.to_error_object()));
        Self::local(stream)
    }

    /// Offers what is sent into a channel that holds `capacity` items. While the channel is full, senders wait.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn channel(capacity: usize) -> (StreamSender<T, E>, Self) {
        let ending = Ending::of_channel();
        let (sender, mut receiver) = StreamSender::channel(capacity, ending.clone());
        let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
        (sender, Self { ending, ..Self::local(stream) })
    }

    fn local(stream: impl Stream<Item = Result<T, ErrorObject>> + Send + 'static) -> Self {
        Self::of(Source::Local(Box::pin(stream)))
    }

    /// What becomes of items for which the other end has no room: [`Lag::Wait`] unless said otherwise,
    /// which lets the source wait. With any other policy the source is always asked, and up to
    /// `capacity` of its items wait.
    ///
    /// A loss is a [`StreamError::Gap`] for a taker of this kind, and counted as
    /// [dropped](crate::types::Counters::dropped) here; a plain peer cannot be told, so a service that drops
    /// items says so in its documentation. Of a stream that is passed on from another peer nothing is
    /// dropped here.
    ///
    /// # Panics
    /// If `capacity` is 0.
    ///
    /// ```
    /// use rpc_core::{Lag, Streaming};
    ///
    /// let (prices, feed) = Streaming::<(String, u64)>::channel(1);
    /// // Whoever is slow gets the latest price of each symbol.
    /// let feed = feed.lag(Lag::latest_by(|(symbol, _): &(String, u64)| symbol.clone()), 1000);
    /// # drop((prices, feed));
    /// ```
    pub fn lag(mut self, lag: Lag<T>, capacity: usize) -> Self {
        assert!(capacity > 0, "room for one item at least");
        self.buffer = lag.buffer(capacity);
        self
    }
}

impl<T, E> Streaming<T, E> {
    fn of(source: Source<T>) -> Self {
        Self { source, buffer: None, ending: Ending::default(), error: PhantomData }
    }

    /// The same stream, whose errors are read as `F`: for a stream that was [subscribed to](crate::Peer::subscribe) by
    /// name. As [`Untyped`] it may be passed on by methods that do not say which errors their streams end with.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::{StreamExt, stream};
    /// use rpc_core::{Context, Router, RpcError, StreamError, Streaming, memory};
    ///
    /// #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
    /// #[error("the feed is lost")]
    /// #[rpc(code = 7)]
    /// struct FeedLost;
    ///
    /// let offers = Router::new().subscription("prices", "stop", |_: Context, (): ()| async move {
    ///     Ok(Streaming::try_new(stream::iter([Ok(3), Err(FeedLost)])))
    /// });
    /// let (peer, _) = memory::pair(Router::new(), offers);
    /// let prices = peer.subscribe::<u32>("prices", "stop", ()).await?;
    /// let prices: Vec<_> = prices.typed::<FeedLost>().take(2).collect().await;
    /// assert_eq!(prices, [Ok(3), Err(StreamError::Method(FeedLost))]);
    /// # Ok(()) }
    /// ```
    pub fn typed<F: StreamErrorType>(self) -> Streaming<T, F> {
        let Self { source, buffer, ending, .. } = self;
        Streaming { source, buffer, ending, error: PhantomData }
    }
}

impl<T: DeserializeOwned, E: StreamErrorType> Streaming<T, E> {
    /// The next item, or what went wrong; `None` when the stream has ended.
    ///
    /// The same as the `next` of futures' `StreamExt`, which has more to offer: a `Streaming` is a `Stream`.
    ///
    /// Cancel safe: an item that was not returned comes with the next call.
    #[expect(clippy::should_implement_trait, reason = "it is what `StreamExt` calls so")]
    pub fn next(&mut self) -> Next<'_, Self> {
        StreamExt::next(self)
    }
}

impl<T, E> From<Remote> for Streaming<T, E> {
    fn from(remote: Remote) -> Self {
        Self::of(Source::Remote(remote))
    }
}

impl<T: DeserializeOwned, E: StreamErrorType> Stream for Streaming<T, E> {
    type Item = Result<T, StreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let item = match &mut this.source {
            Source::Local(stream) => match ready!(stream.poll_next_unpin(cx)) {
                Some(Ok(item)) => return Poll::Ready(Some(Ok(item))),
                Some(Err(error)) => {
                    this.ending.tell(&StreamEnd::Failed(error.clone()));
                    Some(Err(StreamError::from_item(error)))
                }
                None => None,
            },
            Source::Remote(remote) => match ready!(remote.poll_next(cx)) {
                Some(item) => return Poll::Ready(Some(typed(item))),
                None => None,
            },
            Source::Ended => None,
        };
        this.source = Source::Ended;
        Poll::Ready(item)
    }
}

/// A stream has terminated when it has returned `None`, or the error with which a stream of this end has ended.
impl<T: DeserializeOwned, E: StreamErrorType> FusedStream for Streaming<T, E> {
    fn is_terminated(&self) -> bool {
        matches!(self.source, Source::Ended)
    }
}

fn typed<T: DeserializeOwned, E: StreamErrorType>(item: Item) -> Result<T, StreamError<E>> {
    match item {
        Item::Result(json) => {
            serde_json::from_str(&json).map_err(|error| StreamError::Decode(explain(&error).into()))
        }
        Item::Unreadable(why) | Item::Failed(why) => Err(StreamError::Decode(why.into())),
        Item::Gap(missed) => Err(StreamError::Gap { missed }),
        Item::Error(error) => Err(StreamError::from_item(*error)),
        Item::Cancelled => Err(StreamError::Cancelled),
        Item::Closed(reason) => Err(StreamError::Closed { reason: *reason }),
    }
}

impl<T, E> Unpin for Streaming<T, E> {}

impl<T, E> fmt::Debug for Streaming<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streaming")
    }
}
