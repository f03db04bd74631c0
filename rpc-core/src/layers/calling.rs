//! A call on its way out, through layers, to the connection.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use serde::Serialize;
use smol_str::SmolStr;

use super::{Answer, Layers};
use crate::error::call::{CallError, Fate};
use crate::peer::Peer;
use crate::peer::batch::Queued;
use crate::peer::call::{self, CallSpec, Options};
use crate::peer::known::RemoteSupport;
use crate::peer::notify::Notify;
use crate::peer::slot::Shared;
use crate::protocol::tables::streams::Wanted;
use crate::service::current;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex};
use crate::wire::request::Outgoing;
use crate::wire::trace::TraceContext;

/// A call, or a notification, that this end is about to make, as a layer sees it.
///
/// A layer that may have to make it again keeps a clone.
#[derive(Clone)]
pub struct CallRequest {
    shared: Arc<Shared>,
    message: Outgoing,
    method: SmolStr,
    spec: CallSpec,
    route: Route,
}

/// How it leaves.
#[derive(Clone)]
pub(crate) enum Route {
    /// Alone; if it asks for a subscription, that is spoken of like this.
    Call(Option<Box<Wanted>>),
    InBatch(Arc<BatchQueue>),
    Notification,
    /// Now or not at all.
    NotificationNow,
    NotificationInBatch(Arc<Queue<Bytes>>),
}

impl CallRequest {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        message: Outgoing,
        options: Options,
        route: Route,
    ) -> Self {
        let mut spec = options.spec(Instant::now(), shared);
        if spec.extensions.trace.is_none() {
            spec.extensions.trace = current::trace_for(shared);
        }
        let shared = shared.clone();
        let method = message.method();
        let mut calling = Self { shared, message, method, spec, route };
        if calling.is_notification() {
            calling.spec.deadline = None;
        }
        calling
    }

    /// A notification that enters now or not at all.
    pub(crate) fn now(self) -> Self {
        Self { route: Route::NotificationNow, ..self }
    }

    /// Has the layers of its connection see it.
    pub(crate) fn begin(self) -> CallFuture {
        CallNext { layers: self.shared.layers.get(), depth: 0 }.call(self)
    }

    /// Who is called.
    pub fn peer(&self) -> Peer {
        Peer { shared: self.shared.clone() }
    }

    /// The name of the method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The JSON text of the params, an array or an object; `None` if there are none.
    pub fn params(&self) -> Option<&str> {
        self.message.params_text()
    }

    /// Sends other params: a tuple or an array, a struct or a map, or `()` for none. JSON text goes in
    /// as a `RawValue` of `serde_json`. If there are streams among the params, whatever stood for them
    /// (`{"$stream":…}`) must stand where it stood.
    ///
    /// # Errors
    /// [`Encode`](CallError::Encode): they cannot be written, or are too large.
    pub fn set_params(&mut self, params: &impl Serialize) -> Result<(), CallError> {
        let limit = self.shared.config.limits.message_out;
        let message = Outgoing::new(&self.method, params, limit);
        self.message = message.map_err(|why| CallError::Encode(why.into()))?;
        Ok(())
    }

    /// Whether it is a notification, which comes to `null` when the outbound queue has taken it.
    pub fn is_notification(&self) -> bool {
        match self.route {
            Route::Call(_) | Route::InBatch(_) => false,
            Route::Notification | Route::NotificationNow | Route::NotificationInBatch(_) => true,
        }
    }

    /// Whether it asks for a subscription.
    pub fn is_subscription(&self) -> bool {
        matches!(self.route, Route::Call(Some(_)))
    }

    /// Whether it is a member of a batch. It leaves with that only if `next` is called before anything
    /// is waited for; later it fails, [`NotSent`](Fate::NotSent). What is made again after that leaves
    /// alone.
    pub fn is_in_batch(&self) -> bool {
        matches!(self.route, Route::InBatch(_) | Route::NotificationInBatch(_))
    }

    /// Until when there must be an answer, counted from the start of the call, so that waiting and
    /// trying again use up the same time; `None` if the caller wanted none. The deadline of the handler
    /// that makes the call holds as well, but is not told here. Means nothing for a notification.
    pub fn deadline(&self) -> Option<Instant> {
        self.spec.deadline
    }

    /// Sets until when there must be an answer; `None` waits as long as the connection lives.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.spec.deadline = deadline;
    }

    /// Has it end by then, also if its deadline is one that begins anew.
    pub(super) fn end_by(&mut self, latest: Instant) {
        let at = |own: Option<Instant>| own.map_or(latest, |own| own.min(latest));
        self.spec.deadline = Some(at(self.spec.deadline));
        self.spec.latest = Some(at(self.spec.latest));
    }

    /// The trace that it is a part of: that of the handler that makes it, unless a layer has set one.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.spec.extensions.trace.as_ref()
    }

    /// Makes it a part of this trace. Sent only to an end that is known to know of it, see
    /// [`Hello`](crate::transport::Hello).
    pub fn set_trace(&mut self, trace: TraceContext) {
        self.spec.extensions.trace = Some(trace);
    }

    /// What it is to bring about once; see [`Call::idempotency_key`](crate::Call::idempotency_key).
    pub fn idempotency_key(&self) -> Option<&str> {
        self.spec.extensions.idempotency_key.as_deref()
    }

    /// Names what it is to bring about once. Means nothing for a notification.
    ///
    /// # Errors
    /// [`Encode`](CallError::Encode): the key is empty or has more than 128 bytes.
    pub fn set_idempotency_key(&mut self, key: impl Into<String>) -> Result<(), CallError> {
        let key = call::checked_key(key.into()).map_err(|why| CallError::Encode(why.into()))?;
        self.spec.extensions.idempotency_key = Some(key);
        Ok(())
    }

    /// Makes it, without further layers.
    fn make(self) -> CallFuture {
        let Self { shared, message, spec, route, .. } = self;
        match route {
            Route::Call(wanted) => {
                CallFuture::from_future(call::bare(shared, message, spec, wanted))
            }
            Route::InBatch(queue) => {
                CallFuture::from_future(call::bare_in_batch(shared, message, spec, queue))
            }
            Route::Notification => CallFuture::from_future(async move {
                Notify::whole(shared.clone(), notification(message, spec, &shared)).await?;
                Ok(Answer::null())
            }),
            Route::NotificationNow => CallFuture::from_future(async move {
                Notify::whole(shared.clone(), notification(message, spec, &shared)).try_now()?;
                Ok(Answer::null())
            }),
            Route::NotificationInBatch(queue) => CallFuture::from_future(async move {
                match queue.fill(notification(message, spec, &shared)) {
                    Ok(()) => Ok(Answer::null()),
                    Err(_) => Err(CallError::Cancelled { fate: Fate::NotSent }),
                }
            }),
        }
    }
}

fn notification(message: Outgoing, spec: CallSpec, shared: &Shared) -> Bytes {
    message
        .notification(spec.extensions.trace.filter(|_| shared.other.get() == RemoteSupport::Known))
}

impl fmt::Debug for CallRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calling")
            .field("peer", &self.shared.id)
            .field("method", &self.method)
            .field("deadline", &self.spec.deadline)
            .finish_non_exhaustive()
    }
}

/// What lies between a layer and the connection: further layers, and then the call itself.
#[derive(Clone)]
pub struct CallNext {
    layers: Layers,
    depth: usize,
}

impl CallNext {
    /// Lets the call go on; it starts when the future is first polled, and is cancelled when that is
    /// dropped. Called again, it is made again: whether that is safe, the [`Fate`] of the first says.
    pub fn call(&self, request: CallRequest) -> CallFuture {
        match self.layers.at(self.depth) {
            Some(layer) => {
                let next = Self { layers: self.layers.clone(), depth: self.depth + 1 };
                layer.call(request, next)
            }
            None => request.make(),
        }
    }
}

impl fmt::Debug for CallNext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallNext")
    }
}

type Future = Pin<Box<dyn std::future::Future<Output = Result<Answer, CallError>> + Send>>;

/// A call on its way: a future of the answer, or of why there is none. The error of a method is
/// [`CallError::Remote`] here; its caller gets the typed one.
///
/// Dropping it cancels the call.
#[must_use = "a call does nothing until it is polled"]
pub struct CallFuture(
    /// The lock is never taken: it makes this `Sync`, as calls are.
    Mutex<Future>,
);

impl CallFuture {
    /// What `future` comes to.
    pub fn from_future(
        future: impl std::future::Future<Output = Result<Answer, CallError>> + Send + 'static,
    ) -> Self {
        Self(Mutex::new(Box::pin(future)))
    }

    /// An answer, or a failure, that is there already.
    pub fn ready(answer: Result<Answer, CallError>) -> Self {
        Self::from_future(std::future::ready(answer))
    }

    /// Polls it when nobody waits for it yet: what needs no waiting is done then.
    pub(crate) fn poll_early(&mut self) {
        let polled = Pin::new(&mut *self).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(answer) = polled {
            *self = Self::ready(answer);
        }
    }
}

impl std::future::Future for CallFuture {
    type Output = Result<Answer, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.get_mut().expect("nobody panics with a lock that nobody takes").as_mut().poll(cx)
    }
}

impl fmt::Debug for CallFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Called")
    }
}

/// For calls: the message, and what its future shares with the batch.
pub(crate) type BatchQueue = Queue<(Outgoing, Arc<Queued>)>;

/// Where a layered member of a batch puts its message, while its layers are polled for that.
pub(crate) struct Queue<T>(Mutex<QueueState<T>>);

enum QueueState<T> {
    Open,
    Filled(T),
    /// The batch took it along.
    Left,
    /// The batch leaves without it.
    Missed,
}

/// Why a message was not queued.
pub(crate) enum Late<T> {
    /// Another one of the same call was.
    Left(T),
    /// The batch leaves without it.
    Missed,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(QueueState::Open)))
    }

    pub(crate) fn fill(&self, item: T) -> Result<(), Late<T>> {
        let mut place = self.0.lock().unwrap();
        match *place {
            QueueState::Open => *place = QueueState::Filled(item),
            QueueState::Filled(_) | QueueState::Left => return Err(Late::Left(item)),
            QueueState::Missed => return Err(Late::Missed),
        }
        Ok(())
    }

    /// Takes what was queued; nothing is any more.
    pub(crate) fn close(&self) -> Option<T> {
        let mut place = self.0.lock().unwrap();
        match std::mem::replace(&mut *place, QueueState::Missed) {
            QueueState::Filled(item) => {
                *place = QueueState::Left;
                Some(item)
            }
            _ => None,
        }
    }
}
