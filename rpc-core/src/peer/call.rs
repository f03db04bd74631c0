//! The typed call: the future that a stub's methods return.
//!
//! The setters are in this file, because the compiler's messages show the private module of a method that is not in
//! the module of its type.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;
#[cfg(feature = "schema")]
use smol_str::SmolStr;

use crate::error::decode_error::explain;
use crate::peer::pending_call::{Options, PendingCall, QueuedCall, Streams, Timeout, checked_key};
use crate::peer::slot::Shared;
use crate::protocol::tables::streams::Wanted;
use crate::service::progress::{self, NoProgress, Reports};
use crate::stream::Streaming;
use crate::util::escaped::Escaped;
use crate::util::sync::{Arc, Mutex};
use crate::wire::dialect::Dialect;
use crate::wire::item::can_hold_id;
use crate::wire::request::Outgoing;

pub(crate) mod forwarded;
mod poll;

/// A call: a future of the typed result.
///
/// The params are encoded when the call is created. The call starts when it is first polled or
/// [`start`](Self::start)ed. At its start the call takes its place in the order of messages. A call that waits for
/// `calls_on_wire` may be overtaken by later messages.
///
/// The timeout counts from the start of the call. The default is `call_deadline` of the [`Limits`](crate::Limits)
/// (30 s). The deadline is never later than the deadline of the handler that makes the call. The request carries the
/// time to the deadline as `timeoutMs`.
///
/// The call resolves exactly once, whatever the other end and the network do. No deadline passes before there is a
/// connection, see [`Endpoint`](crate::transport::Endpoint). An answer is kept until the call is awaited; no limit
/// bounds the kept answers.
///
/// Dropping the call cancels the call. A request that was not sent is never sent. For a request that was sent, the
/// other end gets `$/cancelRequest`, or the cancellation of its [dialect](crate::Dialect).
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
    /// Whether the method may be missing at the other end, and `T` is an `Option`.
    optional: bool,
    types: Types<T, E, P>,
}

/// The types of a call, which exist at compile time only.
type Types<T, E, P> = PhantomData<fn() -> (T, E, P)>;

impl<T, E, P> Call<T, E, P> {
    pub(crate) fn new(shared: Arc<Shared>, message: Result<Outgoing, String>) -> Self {
        Self { pending: PendingCall::new(shared, message), optional: false, types: PhantomData }
    }

    pub(crate) fn in_batch(shared: Arc<Shared>, queued: Arc<QueuedCall>) -> Self {
        Self { pending: PendingCall::queued(shared, queued), optional: false, types: PhantomData }
    }

    /// Sets the name of the method of a call in a batch.
    #[cfg(feature = "schema")]
    pub(crate) fn of_method(mut self, method: Option<SmolStr>) -> Self {
        self.pending = self.pending.of_method(method);
        self
    }

    pub(crate) fn subscribe(
        shared: Arc<Shared>,
        message: Result<Outgoing, String>,
        unsubscribe: Cow<'static, str>,
    ) -> Self {
        let wanted = Some(Wanted::ended_by(unsubscribe));
        let pending = PendingCall::new(shared, message).with_wanted(wanted);
        Self { pending, optional: false, types: PhantomData }
    }

    /// Makes the result `None` if the other end has no such method. `T` is an `Option`.
    pub(crate) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Adds the streams that are among the params.
    pub(crate) fn with_streams(mut self, streams: Streams) -> Self {
        self.pending
            .set(|options| options.rare_mut().streams = Some(Arc::new(Mutex::new(streams))));
        self
    }

    /// Starts the call now instead of at the first poll. A call of a batch starts with the batch. If a
    /// [layer](crate::layers) waits, the call goes on only when it is polled.
    pub fn start(mut self) -> Self {
        self.enter_layers();
        self.pending.start();
        self
    }

    /// Sets the time from the start of the call to its deadline. Has no effect on a call that has started.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with_timeout(Timeout::After(timeout))
    }

    /// Waits for the answer until the connection ends. Has no effect on a call that has started.
    pub fn no_timeout(self) -> Self {
        self.with_timeout(Timeout::Never)
    }

    /// Declares that running the method twice has the same effect as running it once. A client that reconnects sends
    /// the call again, within its deadline, if the session ends before the answer. A stub does so for methods with the
    /// flag `idempotent`. Has no effect on a call that has started.
    pub fn idempotent(self) -> Self {
        self.with(|options| options.idempotent = true)
    }

    fn with_timeout(self, timeout: Timeout) -> Self {
        self.with(|options| options.timeout = timeout)
    }

    /// Makes the call safe to retry. The other end runs the method once for each caller and key, and gives all calls
    /// under the key the same answer, the result or the method's own error, for five minutes. A call with an unknown
    /// fate can therefore be repeated. A repeat that arrives while the first call runs waits for the answer of the
    /// first call. If the first call is cancelled, or fails with an error that is not the method's own, no answer is
    /// stored: the waiting repeat fails as busy, and the next repeat runs.
    ///
    /// The other end names the caller with [`Peer::identify`](crate::Peer::identify). Without a name, the caller is
    /// this connection. The same key with another method or other params fails with -32602. Every key on a call with
    /// streams fails with -32602 too. Methods with the flag `idempotent`
    /// ([`MethodFlags`](crate::schema::MethodFlags)) need no key.
    ///
    /// The other end stores at most `idempotency_bytes` of its [`Limits`](crate::Limits) of answers, and removes the
    /// oldest answers first. A caller below its share loses no answer to other callers. Within the five minutes no
    /// call runs twice. If the answer was removed early, or was too long to be stored, the repeat fails with
    /// [`CallError::Remote`](crate::CallError::Remote) and the code
    /// [`ANSWER_FORGOTTEN`](crate::ErrorCode::ANSWER_FORGOTTEN); its [`fate`](crate::CallError::fate) is
    /// [`MaybeExecuted`](crate::Fate::MaybeExecuted). The other end also stores the keys of removed answers. If the
    /// keys of one caller fill the room for keys, the caller's calls under new keys fail as busy until the first five
    /// minutes are over. If other callers need that room, each call of the caller under an unknown key fails like
    /// such a repeat.
    ///
    /// A call under a key always has a deadline: five minutes, if its caller sets none. If the other end has named
    /// the caller, the call continues after the end of the connection, for at most five minutes and only while the
    /// login is valid. The call stops if the caller is kicked ([`Peer::kick`](crate::Peer::kick)), or if the
    /// connection is closed with 4401 or 4403. At most `idempotent_running` of the [`Limits`](crate::Limits) run at
    /// once; further calls fail as busy.
    ///
    /// Use a new key for each operation, for example a random UUID. If the key is empty or has more than 128 bytes,
    /// the call fails with [`CallError::Encode`](crate::CallError::Encode). A key has no effect on a call that has
    /// started, or if the other end does not support keys.
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

    /// Calls `listener` with each report that the method makes through its [`Progress`](crate::Progress). The listener
    /// gets the reports in order, while the call is polled, and all of them before the call is ready. Has no effect on
    /// a call that has started, or at a plain peer, because a plain peer sends no reports.
    ///
    /// The [dialect](crate::Dialect) determines how the call requests reports and how a report is encoded. In the
    /// dialects of LSP and MCP the token is one of the named params, so a call with params by position fails with
    /// [`CallError::Encode`](crate::CallError::Encode). A trait needs `by_name` there.
    ///
    /// If reports arrive faster than the call is polled, the latest reports are kept: at most 64, and at most
    /// `stream_window` bytes. A report that cannot be decoded as a `V` is logged and dropped. A report that is larger
    /// than `stream_window` is dropped and counted as [dropped](crate::types::Counters::dropped).
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
        let is_mcp = self.pending.shared().remote.dialect() == Dialect::Mcp;
        let listener = move |json: &str| match progress::read(json, is_mcp) {
            Ok(value) => listener(value),
            Err(error) => tracing::debug!(why = explain(&error), "progress of another type"),
        };
        self.with(|options| {
            options.progress = true;
            options.rare_mut().listener = Some(Arc::new(Mutex::new(listener)));
        })
    }

    /// Renews the deadline with each progress report: the call gets its whole timeout again from the report on, but
    /// ends no later than `most` after its start. The call requests reports even without
    /// [`on_progress`](Self::on_progress). The request carries `most` as its timeout. Has no effect on a call that has
    /// started, or on a call without a deadline.
    pub fn extend_on_progress(self, most: Duration) -> Self {
        self.with(|options| {
            options.progress = true;
            options.rare_mut().extend = Some(most);
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        self.pending.set(change);
        self
    }
}

impl<T, S, E, P> Call<Streaming<T, S>, E, P> {
    /// Sets the name of the member that holds the id of the subscription. The default is `subscription`. The member is
    /// read in the params of each item, and in the answer if the answer is an object. Has no effect on a call that has
    /// started.
    ///
    /// The call fails with [`CallError::Encode`](crate::CallError::Encode) if the name is empty, has a quote, a
    /// backslash or a control character, or is one of `result`, `error`, `done`, `seq` and `ack`.
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
