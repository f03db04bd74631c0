//! A call on its way: the future that a stub's methods return.
//!
//! What a caller can set stands here, and not in a file beside: the compiler's messages name the module of a method
//! that is not in the module of its type.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::error::decode_error::explain;
use crate::peer::pending_call::{Options, PendingCall, QueuedCall, Streams, Timeout, checked_key};
use crate::peer::slot::Shared;
use crate::protocol::tables::streams::{Wanted, can_hold_id};
use crate::service::progress::{self, NoProgress, Reports};
use crate::stream::Streaming;
use crate::util::escaped::Escaped;
use crate::util::sync::{Arc, Mutex};
use crate::wire::dialect::Dialect;
use crate::wire::request::Outgoing;

mod forwarded;
mod poll;

/// A call: a future of the typed result.
///
/// The params are encoded when the call is made; nothing else happens until the call is polled or
/// [`start`](Self::start)ed. Then the call takes its place in the order of messages, unless it has to wait for
/// `calls_on_wire`: until such a call leaves, later messages may pass it. Its deadline begins at the same
/// moment: `call_deadline` of the [`Limits`](crate::Limits) (30 s) unless you set another, and never later than
/// the deadline of the handler that makes the call. The deadline travels along as `timeoutMs`.
///
/// Resolves exactly once, whatever the other end and the network do. (Before there is a connection,
/// see [`Endpoint`](crate::transport::Endpoint), no deadline passes.) An answer that nobody has awaited
/// yet is kept until then, and is bounded by nothing else. Dropping the call cancels the call:
/// a message that was not sent is taken back, a call that was sent is cancelled at the other end,
/// with `$/cancelRequest` or as its [dialect](crate::Dialect) has it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use rpc_core::{Context, Router, memory};
///
/// let adder = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
/// let (peer, _adder) = memory::pair(Router::new(), adder);
///
/// let early = peer.call::<i64>("add", (1, 2)).timeout(Duration::from_secs(1)).start();
/// assert_eq!(peer.call::<i64>("add", (3, 4)).await?, 7);
/// assert_eq!(early.await?, 3);
/// # Ok(()) }
/// ```
#[must_use = "a call does nothing until it is polled or started"]
pub struct Call<T, E = Infallible, P = NoProgress> {
    pending: PendingCall,
    types: Types<T, E, P>,
}

/// What a call is made of at compile time only.
type Types<T, E, P> = PhantomData<fn() -> (T, E, P)>;

impl<T, E, P> Call<T, E, P> {
    pub(crate) fn new(shared: Arc<Shared>, message: Result<Outgoing, String>) -> Self {
        Self { pending: PendingCall::new(shared, message), types: PhantomData }
    }

    pub(crate) fn in_batch(shared: Arc<Shared>, queued: Arc<QueuedCall>) -> Self {
        Self { pending: PendingCall::queued(shared, queued), types: PhantomData }
    }

    pub(crate) fn subscribe(
        shared: Arc<Shared>,
        message: Result<Outgoing, String>,
        unsubscribe: Cow<'static, str>,
    ) -> Self {
        let wanted = Some(Wanted::ended_by(unsubscribe));
        let pending = PendingCall::new(shared, message).with_wanted(wanted);
        Self { pending, types: PhantomData }
    }

    /// The same call, with these streams among its params.
    pub(crate) fn with_streams(mut self, streams: Streams) -> Self {
        self.pending.set(|options| options.streams = Some(Arc::new(Mutex::new(streams))));
        self
    }

    /// Starts the call now instead of when it is first polled. A call in a batch starts with the batch. A
    /// [layer](crate::layers) that waits for something delays the call until the call is polled.
    pub fn start(mut self) -> Self {
        self.enter_layers();
        self.pending.start();
        self
    }

    /// Sets the time from the start of the call to its answer. Without effect once started.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with_timeout(Timeout::After(timeout))
    }

    /// Waits for the answer as long as the connection lives. Without effect once started.
    pub fn no_timeout(self) -> Self {
        self.with_timeout(Timeout::Never)
    }

    fn with_timeout(self, timeout: Timeout) -> Self {
        self.with(|options| options.timeout = timeout)
    }

    /// Makes the call safe to repeat: the other end runs the calls of one caller under the same key only once,
    /// and gives each of them the same answer, the result or the method's own error, for five minutes. So the
    /// call can be made again when its fate is unknown. A repeat that comes while the first call runs waits for
    /// the answer of the first. If the first call is cancelled, or fails with an error that is not the method's
    /// own, no answer is kept: the waiting repeat is busy, and the next repeat runs.
    ///
    /// The other end says who the caller is ([`Peer::identify`](crate::Peer::identify)); if it does not, the
    /// caller is this connection. The same key with another method or other params is answered -32602, and so
    /// is any key on a call with streams. Methods that are `idempotent` by themselves
    /// ([`MethodFlags`](crate::schema::MethodFlags)) need no key.
    ///
    /// The other end keeps answers within `idempotency_bytes` of its [`Limits`](crate::Limits), the latest
    /// answers first, and no caller loses an answer to others while it has less than its share. Within the five
    /// minutes no call runs twice. If the answer was forgotten early, or was too long to be kept, the
    /// repeat fails with [`CallError::Remote`](crate::CallError::Remote), code [`ANSWER_FORGOTTEN`](crate::ErrorCode::ANSWER_FORGOTTEN),
    /// and its [`fate`](crate::CallError::fate) is [`MaybeExecuted`](crate::Fate::MaybeExecuted). The other end also
    /// remembers which answers were forgotten. If a caller fills even the room for that, its calls under new
    /// keys are busy until the first five minutes are over; if others need that room, each of its
    /// calls under an unknown key fails like such a repeat.
    ///
    /// A call under a key always has a deadline: five minutes, if its caller sets none. If the other end knows
    /// the name of the caller, the call goes on when the connection ends, for at most five minutes and as long as
    /// the login holds. It stops if the caller is kicked ([`Peer::kick`](crate::Peer::kick)), or
    /// if the connection is closed with 4401 or 4403. At most `idempotent_running` of the
    /// [`Limits`](crate::Limits) run at once; more calls are busy.
    ///
    /// Use the key for nothing else; a random UUID is a good one. If the key is empty, or has more than 128
    /// bytes, the call fails with [`CallError::Encode`](crate::CallError::Encode). A key has no effect on a call that has started, nor
    /// at another end that does not know such keys.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use rpc_core::{Context, Router, memory};
    ///
    /// let paid = AtomicU32::new(0);
    /// let bank = Router::new().method("pay", move |_: Context, (_,): (u32,)| {
    ///     let receipt = paid.fetch_add(1, Ordering::SeqCst);
    ///     async move { Ok(receipt) }
    /// });
    /// let (peer, _bank) = memory::pair(Router::new(), bank);
    /// let pay = || peer.call::<u32>("pay", (100,)).idempotency_key("order-17");
    /// assert_eq!((pay().await?, pay().await?), (0, 0));
    /// # Ok(()) }
    /// ```
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        match checked_key(key.into()) {
            Ok(key) => self.with(|options| {
                options.extensions.get_or_insert_default().idempotency_key = Some(key);
            }),
            Err(why) => {
                self.pending.fail(why);
                self
            }
        }
    }

    /// Calls `listener` with each report that the method makes through its [`Progress`](crate::Progress). The
    /// reports come in order, while the call is polled, and all of them before the call is ready. Without effect
    /// once started, and at a plain peer, which does not report. The [dialect](crate::Dialect) decides how the call
    /// asks for reports and how a report is written. In the dialects of LSP and MCP the token stands among named
    /// params, so a call with params by position fails with [`CallError::Encode`](crate::CallError::Encode): a trait says `by_name` there.
    ///
    /// If reports come faster than the call is polled, the latest are kept: at most 64, and at most
    /// `stream_window` bytes. A report that is not a `V` is logged and left out. A report that is larger than
    /// `stream_window` is left out and counted as [dropped](crate::types::Counters::dropped).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Progress, Router, memory, service};
    ///
    /// #[service]
    /// trait Builder {
    ///     async fn build(&self, steps: u32, progress: Progress<u32>) -> String;
    /// }
    /// struct Fast;
    /// impl Builder for Fast {
    ///     async fn build(&self, steps: u32, progress: Progress<u32>) -> String {
    ///         (1..=steps).for_each(|step| progress.report(&step));
    ///         "built".into()
    ///     }
    /// }
    ///
    /// let (peer, _) = memory::pair(Router::new(), BuilderServer::new(Fast));
    /// let mut steps = Vec::new();
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let built = BuilderClient::new(peer).build(3).on_progress(move |step| drop(tell.send(step))).await?;
    /// steps.extend(told);
    /// assert_eq!((&*built, steps), ("built", vec![1, 2, 3]));
    /// # Ok(()) }
    /// ```
    pub fn on_progress<V>(self, mut listener: impl FnMut(V) + Send + 'static) -> Self
    where
        P: Reports<V>,
        V: DeserializeOwned,
    {
        let is_mcp = self.pending.shared().other.dialect() == Dialect::Mcp;
        let listener = move |json: &str| match progress::read(json, is_mcp) {
            Ok(value) => listener(value),
            Err(error) => tracing::debug!(why = explain(&error), "progress of another type"),
        };
        self.with(|options| {
            options.progress = true;
            options.listener = Some(Arc::new(Mutex::new(listener)));
        })
    }

    /// Renews the deadline with each report of progress: from then on the call has its whole timeout again, but
    /// ends no later than `most` after its start. Asks for reports, if [`on_progress`](Self::on_progress) did not.
    /// The call tells the other end `most` as its timeout. Without effect once started, and on a call without a
    /// deadline.
    pub fn extend_on_progress(self, most: Duration) -> Self {
        self.with(|options| {
            options.progress = true;
            options.extend = Some(most);
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        self.pending.set(change);
        self
    }
}

impl<T, S, E, P> Call<Streaming<T, S>, E, P> {
    /// Reads the id of the subscription from the member `name`, for another end that does not call the member
    /// `subscription`. The member is read in the params of each item, and in the answer if the answer is an object.
    /// Without effect once started, and on an answer that makes no subscription.
    ///
    /// The call fails with [`CallError::Encode`](crate::CallError::Encode) if the name cannot be that of the id: it is empty, has a
    /// quote, a backslash or a control character, or is one of `result`, `error`, `done`, `seq` and `ack`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::stream;
    /// use rpc_core::schema::SubscriptionInfo;
    /// use rpc_core::{Context, Router, Streaming, memory};
    ///
    /// let heads = SubscriptionInfo::ended_by("starknet_unsubscribe").id_member("subscription_id");
    /// let node = Router::new().subscription("starknet_subscribeNewHeads", heads, |_: Context, (): ()| async {
    ///     Ok(Streaming::new(stream::iter([7_u64])))
    /// });
    /// let (peer, _node) = memory::pair(Router::new(), node);
    /// let call = peer.subscribe::<u64>("starknet_subscribeNewHeads", "starknet_unsubscribe", ());
    /// let mut heads = call.id_member("subscription_id").await?;
    /// assert_eq!(heads.next().await, Some(Ok(7)));
    /// # Ok(()) }
    /// ```
    pub fn id_member(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        if !can_hold_id(&name) {
            let why = format!("`{}` cannot be the member that holds an id", Escaped(&name));
            self.pending.fail(why);
            return self;
        }
        if let Some(wanted) = self.pending.wanted_mut() {
            wanted.id_member = name;
        }
        self
    }
}

impl<T, E, P> fmt::Debug for Call<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.pending.state_name()).finish()
    }
}
