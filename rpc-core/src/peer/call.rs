//! A call on its way: the future that a stub's methods return.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::error::call::{CallError, Fate};
use crate::error::decode_error::explain;
use crate::error::rpc_error::RpcError;
use crate::layers::{Answer as RawAnswer, CallFuture};
use crate::peer::batch::{Queued, Sent};
use crate::peer::from_answer::{Answer, FromAnswer, Kind};
use crate::peer::slot::Shared;
use crate::protocol::tables::streams::{Wanted, can_hold_id};
use crate::protocol::{Outcome, Refused, Start};
use crate::service::current::{self, ReleasedPermit};
use crate::service::progress::{self, NoProgress, Reports};
use crate::stream::{Argument, Remote, Streaming};
use crate::util::escaped::Escaped;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex, PoisonError};
use crate::util::waiter::{Waiter, poll_registered};
use crate::wire::dialect::Dialect;
use crate::wire::extensions::LONGEST_KEY;
use crate::wire::request::{Outgoing, RequestExtensions};

mod forwarded;
mod layered;
mod options;

pub(crate) use layered::{bare, bare_in_batch, queue};
pub(crate) use options::{CallSpec, Options, StartOptions, Streams};

use options::Timeout;

/// A call: a future of the typed result.
///
/// The params are encoded when the call is made; nothing else happens until the call is polled or
/// [`start`](Self::start)ed. Then the call takes its place in the order of messages, unless it has to wait for
/// `calls_on_wire`: until such a call leaves, later messages may pass it. Its deadline begins at the same
/// moment: `call_deadline` of the [`Limits`](crate::Limits) (30 s) unless you set another, and never later than
/// the deadline of the handler that makes the call. The deadline travels along as `timeoutMs`.
///
/// Resolves exactly once, whatever the other end and the network do. (Before there is a connection,
/// see [`Endpoint`](crate::transport::Endpoint), nobody looks at the clock.) An answer that nobody has awaited
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
    shared: Arc<Shared>,
    state: State,
    options: Options,
    /// If it asks for a subscription, how that is spoken of.
    wanted: Option<Box<Wanted>>,
    types: Types<T, E, P>,
}

/// What a call is made of at compile time only.
type Types<T, E, P> = PhantomData<fn() -> (T, E, P)>;

enum State {
    New(Outgoing),
    /// Starts when its batch is sent.
    InBatch(Arc<Queued>),
    /// On its way through layers, which start it further in.
    Layered(CallFuture),
    /// Resolved before it began.
    Failed(Failure),
    Started {
        id: u64,
        /// Keeps the place of a handler of another connection lent.
        _lent: Option<ReleasedPermit>,
    },
    Done,
}

enum Failure {
    Encode(String),
    Refused(Refused),
    Late,
    /// Its batch was not sent.
    Unsent,
}

/// How a call was resolved.
enum Settled {
    Outcome(Outcome),
    /// What the layers made of it, in a box: most calls have none.
    Layered(Box<Result<RawAnswer, CallError>>),
}

const NO_STREAMS: &str = "the other end takes no streams as params: it has said no `$/hello`; set \
    `Hello::Always` to ask for it where there are no headers, or a proxy between drops `Rpc-Hello`";
const ONCE: &str = "the streams among the params were sent with the first attempt";
const PLAIN: &str = "this end is set to be `plain`: it sends no streams as params";

/// The key, if it can be one.
///
/// # Errors
/// What a key must be.
pub(crate) fn checked_key(key: String) -> Result<Box<str>, String> {
    if !(1..=LONGEST_KEY).contains(&key.len()) {
        return Err(format!("an idempotency key has 1 to {LONGEST_KEY} bytes"));
    }
    Ok(key.into_boxed_str())
}

impl<T, E, P> Call<T, E, P> {
    pub(crate) fn new(shared: Arc<Shared>, message: Result<Outgoing, String>) -> Self {
        let state = match message {
            Ok(message) => State::New(message),
            Err(why) => State::Failed(Failure::Encode(why)),
        };
        Self::in_state(shared, state)
    }

    fn in_state(shared: Arc<Shared>, state: State) -> Self {
        let options = Options::default();
        Self { shared, state, options, wanted: None, types: PhantomData }
    }

    pub(crate) fn in_batch(shared: Arc<Shared>, queued: Arc<Queued>) -> Self {
        Self::in_state(shared, State::InBatch(queued))
    }

    /// The same call, with these streams among its params.
    pub(crate) fn with_streams(mut self, streams: Streams) -> Self {
        self.options.streams = Some(Arc::new(Mutex::new(streams)));
        self
    }

    pub(crate) fn subscribe(
        shared: Arc<Shared>,
        message: Result<Outgoing, String>,
        unsubscribe: Cow<'static, str>,
    ) -> Self {
        let mut call = Self::new(shared, message);
        call.wanted = Some(Wanted::ended_by(unsubscribe));
        call
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
    /// repeat fails with [`CallError::Remote`], code [`ANSWER_FORGOTTEN`](crate::ErrorCode::ANSWER_FORGOTTEN),
    /// and its [`fate`](CallError::fate) is [`MaybeExecuted`](crate::Fate::MaybeExecuted). The other end also
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
    /// bytes, the call fails with [`CallError::Encode`]. A key has no effect on a call that has started, nor
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
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        match checked_key(key.into()) {
            Ok(key) => self.with(|options| {
                options.extensions.get_or_insert_default().idempotency_key = Some(key);
            }),
            Err(why) => self.fail(Failure::Encode(why)),
        }
    }

    /// Has `listener` told how far the other end has come: it is called, in order, while the call is
    /// polled, with what the method reports through its [`Progress`](crate::Progress); all of it
    /// before the call is ready. Without effect once started, and towards a plain peer that does not
    /// report. How the other end is asked, and what a report looks like, is up to the
    /// [dialect](crate::Dialect); in those of LSP and MCP a call with params by position fails with
    /// [`CallError::Encode`], as the token has its place among named ones: a trait says `by_name` there.
    ///
    /// Of reports that come faster than the call is polled the latest are kept: at most 64, and of at
    /// most `stream_window` bytes. Those that are not a `V` are logged and left out; one that is larger
    /// than `stream_window` is left out and counted as [dropped](crate::types::Counters::dropped).
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
        let is_mcp = self.shared.other.dialect() == Dialect::Mcp;
        let listener = move |json: &str| match progress::read(json, is_mcp) {
            Ok(value) => listener(value),
            Err(error) => tracing::debug!(why = explain(&error), "progress of another type"),
        };
        self.with(|options| {
            options.progress = true;
            options.listener = Some(Arc::new(Mutex::new(listener)));
        })
    }

    /// Lets each report of progress put the deadline off: from then on the call has its whole timeout
    /// again, but for no longer than `most` after its start. Asks for reports, if
    /// [`on_progress`](Self::on_progress) did not. The other end is told of the hard maximum. Without
    /// effect once started, and on a call without a deadline.
    pub fn extend_on_progress(self, most: Duration) -> Self {
        self.with(|options| {
            options.progress = true;
            options.extend = Some(most);
        })
    }

    /// Fails a call that has not started.
    fn fail(mut self, failure: Failure) -> Self {
        if matches!(self.state, State::New(_) | State::InBatch(_)) {
            self.state = State::Failed(failure);
        }
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        if let State::InBatch(queued) = &self.state {
            *queued.options.lock().unwrap() = self.options.clone();
        }
        self
    }

    /// Starts the call now instead of when it is first polled. One in a batch starts with it. A
    /// [layer](crate::layers) that waits for something delays it until it is polled.
    pub fn start(mut self) -> Self {
        self.begin(None);
        if let State::Layered(called) = &mut self.state {
            called.poll_early();
        }
        self
    }

    fn begin(&mut self, waiter: Option<&Waker>) {
        if !matches!(self.state, State::New(_)) {
            return;
        }
        let State::New(message) = std::mem::replace(&mut self.state, State::Done) else {
            return;
        };
        self.state = if self.shared.layers.any() {
            State::Layered(self.enter_layers(message))
        } else {
            self.send(message, waiter)
        };
    }

    fn send(&mut self, mut message: Outgoing, waiter: Option<&Waker>) -> State {
        let now = Instant::now();
        let options = self.options.options(now, &self.shared);
        if options.late {
            return State::Failed(Failure::Late);
        }
        let StartOptions { deadline, sliding, mut beside, .. } = options;
        if let Err(why) = message.prepare(&mut beside, self.shared.config.limits.message_out) {
            return State::Failed(Failure::Encode(why));
        }
        let RequestExtensions { progress, is_lasting, .. } = beside;
        let (caller, released) = current::caller(&self.shared);
        let kept = self.options.streams.take();
        let streams = match &kept {
            None => Vec::new(),
            Some(kept) => match std::mem::take(&mut *kept.lock().unwrap()) {
                streams if streams.is_empty() => {
                    return State::Failed(Failure::Encode(ONCE.into()));
                }
                streams => streams,
            },
        };
        let ids = streams.iter().map(|(id, _)| id.clone()).collect();
        let wanted = self.wanted.take();
        let start = Start { deadline, caller, wanted, streams: ids, sliding, progress, is_lasting };
        let mut waiter = waiter.map(|waker| Waiter::Task(waker.clone()));
        let mut streams = streams.into_iter();
        let started = self.shared.with(|state| {
            let scratch = &mut state.scratch;
            let message = |id| message.request_in(scratch, id, &beside);
            let id = state.protocol.start(start, &mut waiter, message)?;
            if streams.len() > 0 {
                let keys = state.protocol.streams_of(id).iter().copied().zip(&mut streams);
                let arguments = keys.map(|(key, (id, items))| Argument { key, id, items });
                state.arguments.extend(arguments);
            }
            Ok(id)
        });
        match started {
            Ok(id) => State::Started { id, _lent: released },
            Err(refused) => {
                // Nothing of them was sent: a layer may try again.
                if let Some(kept) = kept {
                    *kept.lock().unwrap() = streams.collect();
                }
                State::Failed(Failure::Refused(refused))
            }
        }
    }

    /// Passes on the progress of a call that was started, and then waits for its outcome.
    fn poll_answer(&self, id: u64, waker: &Waker) -> Poll<Outcome> {
        loop {
            let mut reports = VecDeque::new();
            let polled = poll_registered(waker, |task| {
                // Nobody else is concerned.
                let protocol = &mut self.shared.lock().protocol;
                if self.options.progress {
                    reports = protocol.take_progress(id);
                }
                if !reports.is_empty() {
                    return Some(None); // before the outcome is taken, which a listener that panics must not lose
                }
                protocol.collect(id, |kept| task.keep(kept)).map(Some)
            });
            if let Some(outcome) = ready!(polled) {
                return Poll::Ready(outcome);
            }
            if let Some(listener) = &self.options.listener {
                let mut listener = listener.lock().unwrap_or_else(PoisonError::into_inner);
                reports.iter().for_each(|report| listener(report));
            }
        }
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<Settled, Failure>> {
        if let State::New(_) = self.state {
            self.begin(Some(cx.waker()));
            if let State::Started { .. } = self.state {
                return Poll::Pending; // without asking: who tells of the outcome knows the waker
            }
        }
        if let State::InBatch(queued) = &self.state {
            self.state = ready!(queued.poll_sent(cx)).into();
        }
        if let State::Started { id, .. } = self.state {
            let outcome = ready!(self.poll_answer(id, cx.waker()));
            self.state = State::Done;
            return Poll::Ready(Ok(Settled::Outcome(outcome)));
        }
        if let State::Layered(called) = &mut self.state {
            let answer = ready!(Pin::new(called).poll(cx));
            self.state = State::Done;
            return Poll::Ready(Ok(Settled::Layered(Box::new(answer))));
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Failed(failure) => Poll::Ready(Err(failure)),
            _ => panic!("a `Call` was polled after it was ready"),
        }
    }
}

impl From<Sent> for State {
    fn from(sent: Sent) -> Self {
        Self::Failed(match sent {
            Sent::As(id, released) => return Self::Started { id, _lent: released },
            Sent::Layered(called) => return Self::Layered(called),
            Sent::Busy => Failure::Refused(Refused::Busy),
            Sent::Late => Failure::Late,
            Sent::Encode(why) => Failure::Encode(why),
            Sent::Closed(reason) => Failure::Refused(Refused::Closed(reason)),
            Sent::Unsent => Failure::Unsent,
        })
    }
}

impl<T: FromAnswer, E: RpcError, P> Future for Call<T, E, P> {
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.poll_outcome(cx).map(|outcome| match outcome {
            Ok(Settled::Outcome(outcome)) => typed(outcome, &this.shared),
            Ok(Settled::Layered(answer)) => layered::typed(*answer),
            Err(failure) => Err(failure.into()),
        })
    }
}

fn typed<T: FromAnswer, E: RpcError>(
    outcome: Outcome,
    shared: &Arc<Shared>,
) -> Result<T, CallError<E>> {
    let answer = match outcome {
        Outcome::Result(json) => Kind::Json(json),
        Outcome::Subscribed(key) => Kind::Stream(Remote::new(shared.clone(), key)),
        Outcome::Error(error) => return Err(CallError::from_answer(*error)),
        Outcome::Malformed(why) => return Err(CallError::Decode(why.into())),
        Outcome::Busy => return Err(CallError::Busy),
        Outcome::NoStreams => return Err(CallError::Encode(NO_STREAMS.into())),
        Outcome::Timeout(fate, heard) => return Err(CallError::Timeout { fate, heard }),
        Outcome::Unanswered(why, fate) => {
            return Err(CallError::Unanswered { why: why.into_string(), fate });
        }
        Outcome::Closed(reason, fate) => return Err(CallError::Closed { reason: *reason, fate }),
    };
    T::read(Answer(answer)).map_err(|why| CallError::Decode(why.into()))
}

impl<E> From<Failure> for CallError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Encode(why) => Self::Encode(why.into()),
            Failure::Late => Self::Timeout { fate: Fate::NotSent, heard: None },
            Failure::Unsent => Self::Cancelled { fate: Fate::NotSent },
            Failure::Refused(Refused::Busy) => Self::Busy,
            Failure::Refused(Refused::NoStreams) => Self::Encode(PLAIN.into()),
            Failure::Refused(Refused::Closed(reason)) => {
                Self::Closed { reason, fate: Fate::NotSent }
            }
        }
    }
}

impl<T, E, P> Drop for Call<T, E, P> {
    fn drop(&mut self) {
        if let State::InBatch(queued) = &self.state
            && let Some(sent) = queued.leave()
        {
            self.state = sent.into();
        }
        if let State::Started { id, .. } = self.state {
            self.shared.abandon(id);
        }
    }
}

impl<T, S, E, P> Call<Streaming<T, S>, E, P> {
    /// Reads the id of the subscription from the member of this name, where the other end has another one
    /// than `subscription`: in the params of each item, and in the answer, should that be an object. Without
    /// effect once started, and on the answer of a method that comes to no subscription.
    ///
    /// The call fails with [`CallError::Encode`] if the name cannot be that of the id: it is empty, has a
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
            return self.fail(Failure::Encode(why));
        }
        if let Some(wanted) = &mut self.wanted {
            wanted.id_member = name;
        }
        self
    }
}

impl<T, E, P> fmt::Debug for Call<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::New(_) | State::InBatch(_) => "New",
            State::Started { .. } | State::Layered(_) => "Started",
            State::Failed(_) | State::Done => "Done",
        };
        f.debug_tuple("Call").field(&state).finish()
    }
}
