//! Streams of items, for the sender and for the receiver.

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
use crate::protocol::tables::streams::{InFlight, Item};
use crate::wire::value;

mod buffered;
mod byte_reader;
mod byte_source;
mod byte_writer;
mod emitted;
mod ended;
mod error;
mod io_error;
pub(crate) mod json;
mod lag;
mod live;
mod remote;
mod send_error;
mod sender;
mod sink;
mod sized;
mod source;
mod topic;
mod typing;
mod view;

pub use byte_reader::ByteReader;
pub use byte_writer::ByteWriter;
pub use ended::StreamEnd;
pub use error::StreamError;
pub use lag::{Lag, LagKey};
pub use live::{Change, JsonPatch, Live, Watch};
use remote::NextItem;
pub(crate) use remote::Remote;
pub use send_error::{SendError, TrySendError};
pub use sender::StreamSender;
pub(crate) use source::{Argument, BufferProgress, Items, Step, gap};
pub use topic::{Topic, TopicBuilder};
pub use typing::{EndsWith, StreamErrorType, Untyped};

pub use view::View;

use emitted::Emitted;
use ended::Ending;
use lag::Buffer;
use live::LiveItems;
use source::{Emitter, Next as Emission};

/// A stream of items. A subscription method returns a stream and its caller receives it. A method may also take a
/// stream as a parameter, which the caller sends.
///
/// The sender makes a `Streaming` from any `Stream`, or from a [`channel`](Self::channel). The receiver gets each
/// item as a `Result<T, StreamError>`. If the receiver drops the stream, the sender's stream ends.
///
/// A stream among the params of a call lasts as long as the call. It ends by itself, with the answer, or when the
/// call is given up; in the last two cases its receiver gets [`StreamError::Cancelled`]. If the method returns a
/// stream as well, both streams go on until the returned stream has ended. Only a peer that speaks this framework's
/// extensions accepts streams as params. To another peer such a call fails with
/// [`CallError::Encode`](crate::CallError::Encode) before anything is sent. If the deadline of the call is the
/// default one, each item restarts it.
///
/// Flow control works between two peers that both say [`Hello`](crate::transport::Hello), as the client and the
/// server of this framework do. The receiver has room for 64 KiB of items (`stream_window` of the
/// [`Limits`](crate::Limits)), and tells the sender when there is room again. Until then the sender makes one item
/// ahead and no more. A stalled stream delays nothing else, and its receiver learns its end. The room of a stream
/// grows, up to 16 MiB (`stream_window_max`), while its items are read quickly and the round trip of the link is long:
/// so a stream fills a fast line over any distance. It shrinks again when the items are read slowly.
///
/// A plain peer, without the extensions, is sent items as the outbound queue has room. It is told of the end of a
/// stream only if the stream ends with an error. Up to 64 KiB of the items that a plain peer sends wait at this end.
/// Items beyond that are dropped, and the receiver gets [`StreamError::Gap`].
///
/// A stream of bytes, such as a file, is a `Streaming<Base64>`. It can be read and written by tokio's traits: see
/// [`ByteReader`], [`ByteWriter`], [`from_reader`](Self::from_reader) and [`sized`](Self::sized).
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
/// A stream of a JSON-RPC node, here an Ethereum node. One method of the node subscribes to several kinds of items;
/// its first param tells the kinds apart:
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
/// A stream as a parameter, from a channel whose `send` waits for room:
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
/// The second type parameter names the error that the stream may end with. The receiver gets this error as
/// [`StreamError::Method`], just as a call gets its typed error as [`CallError::Method`](crate::CallError::Method).
/// Any other error is [`StreamError::Remote`]. Without the second type parameter the stream may end with any
/// [`RpcError`], and the receiver gets each error as `Remote`.
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
    /// Holds items that cannot be sent yet. Without a buffer the source waits instead.
    buffer: Option<Box<dyn Buffer<T>>>,
    /// Bounds the items that are on their way.
    in_flight: Option<InFlight>,
    /// Tells the sender of a channel why the stream ended.
    ending: Ending,
    error: PhantomData<fn() -> E>,
}

type Local<T> = Pin<Box<dyn Stream<Item = Result<T, ErrorObject>> + Send>>;

enum Source<T> {
    /// A stream that this end sends.
    Local(Local<T>),
    /// A taker of a topic of this end.
    Topic(Box<dyn Emitter<T>>),
    /// A watcher of a live value of this end.
    Live(Box<dyn LiveItems>),
    /// A stream that this end receives.
    Remote(Remote),
    /// A stream of this end that was read to its end here, and was dropped.
    Ended,
}

impl<T: Send + 'static, E: StreamErrorType> Streaming<T, E> {
    /// Creates a stream that sends the items of `stream`.
    pub fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self::local(stream.map(Ok))
    }

    /// Creates a stream that sends the items of `stream`, and ends with its first error. The type of the error is
    /// `E`; for an [`Untyped`] stream it is any [`RpcError`].
    pub fn try_new<F: RpcError>(stream: impl Stream<Item = Result<T, F>> + Send + 'static) -> Self
    where
        E: EndsWith<F>,
    {
        let stream = stream.map(|item| item.map_err(|error| error.to_error_object()));
        Self::local(stream)
    }

    /// Creates a stream that sends the items of a channel. The channel holds `capacity` items. While the channel is
    /// full, senders wait.
    ///
    /// # Panics
    /// Panics if `capacity` is 0.
    pub fn channel(capacity: usize) -> (StreamSender<T, E>, Self) {
        let ending = Ending::of_channel();
        let (sender, mut receiver) = StreamSender::channel(capacity, ending.clone());
        let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
        (sender, Self { ending, ..Self::local(stream) })
    }

    fn local(stream: impl Stream<Item = Result<T, ErrorObject>> + Send + 'static) -> Self {
        Self::of(Source::Local(Box::pin(stream)))
    }

    /// Sets what happens to items for which the receiver has no room. The default is [`Lag::Wait`], which lets the
    /// source wait. With any other policy the source is always polled, and up to `capacity` of its items wait.
    ///
    /// A receiver that speaks this framework's extensions gets a [`StreamError::Gap`] for lost items. This end counts
    /// them as [dropped](crate::types::Counters::dropped). A plain peer cannot be told of a gap, so a service that
    /// drops items should say so in its documentation. A stream that is passed on from another peer always waits, and
    /// loses nothing here. A taker of a [`Topic`] never makes the publisher wait: with [`Lag::Wait`] its items wait in
    /// the topic. The changes of a [`Live`] have no policy: they are merged.
    ///
    /// Items that were sent are out of reach of the policy. [`in_flight`](Self::in_flight) bounds them, and
    /// [`Lag::latest_by`] does so by itself.
    ///
    /// # Panics
    /// Panics if `capacity` is 0.
    ///
    /// ```
    /// use rpc_core::{Lag, Streaming};
    ///
    /// let (prices, feed) = Streaming::<(String, u64)>::channel(1);
    /// // A slow receiver gets the latest price of each symbol.
    /// let feed = feed.lag(Lag::latest_by(|(symbol, _): &(String, u64)| symbol.clone()), 1000);
    /// # drop((prices, feed));
    /// ```
    pub fn lag(mut self, lag: Lag<T>, capacity: usize) -> Self {
        assert!(capacity > 0, "room for one item at least");
        self.buffer = lag.buffer(capacity);
        self
    }

    /// Sets how many items may be on their way at most: sent, and not yet read by the receiver's program. More items
    /// wait at this end, where [`lag`](Self::lag) decides about them. Without a bound the whole room of the stream may
    /// be on its way, which is a thousand small items or more. A receiver that needs 20 ms for each of them reads items
    /// that are 20 s old.
    ///
    /// With a bound of `n`, a link with a round trip of 100 ms passes `10 * n` items each second at most. With
    /// [`Lag::latest_by`] no number is needed: such a stream measures by itself how many items its receiver needs.
    ///
    /// The bound holds towards a receiver that speaks this framework's extensions. A plain peer never tells what it has
    /// read. Towards a plain peer at most 4 KiB of the items, and one item more, wait in the outbound queue, but the
    /// operating systems of both ends may hold a hundred KiB and more.
    ///
    /// # Panics
    /// Panics if `n` is 0.
    ///
    /// ```
    /// use rpc_core::{Lag, Streaming};
    ///
    /// let (positions, feed) = Streaming::<(f64, f64)>::channel(1);
    /// // A slow receiver gets the latest position, and at most one earlier position before it.
    /// let feed = feed.lag(Lag::DropOldest, 1).in_flight(1);
    /// # drop((positions, feed));
    /// ```
    pub fn in_flight(mut self, n: usize) -> Self {
        assert!(n > 0, "one item at least");
        self.in_flight = Some(InFlight::Items(n));
        self
    }
}

impl<T, E> Streaming<T, E> {
    fn of(source: Source<T>) -> Self {
        let ending = Ending::default();
        Self { source, buffer: None, in_flight: None, ending, error: PhantomData }
    }

    /// Changes the error type of the stream to `F`. Use this for a stream that was
    /// [subscribed to](crate::Peer::subscribe) by name. An [`Untyped`] stream can be returned by methods that declare
    /// no error for their streams.
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
        let Self { source, buffer, in_flight, ending, .. } = self;
        Streaming { source, buffer, in_flight, ending, error: PhantomData }
    }
}

impl<T: DeserializeOwned, E: StreamErrorType> Streaming<T, E> {
    /// Returns the next item, or an error. Returns `None` when the stream has ended.
    ///
    /// This does the same as `next` of futures' `StreamExt`. That trait has more methods for a `Streaming`, which is
    /// a `Stream`.
    ///
    /// Cancel safe: an item that was not returned comes with the next call.
    #[expect(clippy::should_implement_trait, reason = "it is what `StreamExt` calls so")]
    pub fn next(&mut self) -> Next<'_, Self> {
        StreamExt::next(self)
    }
}

impl<T, E> Streaming<T, E> {
    /// Sets what becomes of a subscription of a client that reconnects, when its session ends without being resumed.
    /// By default the client makes the subscription anew: the stream shows a [`StreamError::Gap`], whose number is 0,
    /// and goes on. If `resubscribe` is false, the stream ends with [`StreamError::Closed`]. No effect on other
    /// streams.
    pub fn resubscribe(self, resubscribe: bool) -> Self {
        if let Source::Remote(remote) = &self.source
            && !resubscribe
        {
            remote.end_with_session();
        }
        self
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
            Source::Topic(taker) => match ready!(taker.poll_emit(cx)) {
                Emission::Item(Emitted::Own(item)) => return Poll::Ready(Some(Ok(item))),
                Emission::Item(Emitted::Shared(item)) => {
                    return Poll::Ready(Some(decoded(item.json())));
                }
                Emission::Missed(missed) => {
                    return Poll::Ready(Some(Err(StreamError::Gap { missed })));
                }
                Emission::End(end) => end.err().map(|error| Err(StreamError::from_item(error))),
            },
            Source::Live(changes) => match ready!(changes.poll_text(cx)) {
                Some(Ok(text)) => return Poll::Ready(Some(decoded(&text))),
                Some(Err(error)) => Some(Err(StreamError::from_item(error))),
                None => None,
            },
            Source::Remote(remote) => match ready!(remote.poll_next(cx, typed)) {
                Some(item) => return Poll::Ready(Some(item)),
                None => None,
            },
            Source::Ended => None,
        };
        this.source = Source::Ended;
        Poll::Ready(item)
    }
}

/// A stream is terminated after it has returned `None`. A stream of this end is also terminated after its own error.
impl<T: DeserializeOwned, E: StreamErrorType> FusedStream for Streaming<T, E> {
    fn is_terminated(&self) -> bool {
        matches!(self.source, Source::Ended)
    }
}

fn typed<T: DeserializeOwned, E: StreamErrorType>(next: NextItem<'_>) -> Result<T, StreamError<E>> {
    match next {
        NextItem::Text(json) => decoded(json),
        NextItem::Item(item) => match item {
            Item::Result(json) => decoded(&json),
            Item::Attached(item) => item.decode().map_err(undecoded),
            Item::Unreadable(why) | Item::Failed(why) => Err(StreamError::Decode(why.into())),
            Item::Gap(missed) => Err(StreamError::Gap { missed }),
            Item::Error(error) => Err(StreamError::from_item(*error)),
            Item::Cancelled => Err(StreamError::Cancelled),
            Item::Closed(reason) => Err(StreamError::Closed { reason: *reason }),
        },
    }
}

fn decoded<T: DeserializeOwned, E>(json: &str) -> Result<T, StreamError<E>> {
    value::decode(json).map_err(undecoded)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn undecoded<E>(error: serde_json::Error) -> StreamError<E> {
    StreamError::Decode(explain(&error).into())
}

impl<T, E> Unpin for Streaming<T, E> {}

impl<T, E> fmt::Debug for Streaming<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streaming")
    }
}
