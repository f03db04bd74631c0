//! An outgoing call that passes through layers to the connection.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use smol_str::SmolStr;

use super::member_slot::{CallSlot, MemberSlot, SlotError};
use super::{Answer, Layers};
use crate::error::call::{CallError, Fate};
use crate::peer::Peer;
use crate::peer::pending_call::{
    CallFuture, CallSpec, Options, PendingCall, QueuedCall, checked_key,
};
use crate::peer::pending_notification::PendingNotification;
use crate::peer::remote_profile::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::tables::streams::Wanted;
use crate::service::current;
use crate::util::runtime::Instant;
use crate::util::sync::Arc;
use crate::wire::extensions::Extensions;
use crate::wire::request::Outgoing;
use crate::wire::trace::TraceContext;

/// An outgoing call or notification, as a layer sees it.
///
/// A layer that may send the request again keeps a clone.
#[derive(Clone)]
pub struct CallRequest {
    shared: Arc<Shared>,
    message: Outgoing,
    method: SmolStr,
    spec: CallSpec,
    mode: SendMode,
}

/// The way in which a call or a notification is sent.
#[derive(Clone)]
pub(crate) enum SendMode {
    /// As a single call. Has the options of the subscription, if the call is one.
    Call(Option<Box<Wanted>>),
    InBatch(Arc<CallSlot>),
    Notification,
    /// Fails if the notification would have to wait.
    NotificationNow,
    NotificationInBatch(Arc<MemberSlot<Bytes>>),
}

impl CallRequest {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        message: Outgoing,
        options: Options,
        mode: SendMode,
    ) -> Self {
        let message = message.filled(); // a layer sees the text of the params
        let mut spec = options.into_spec(Instant::now(), shared);
        if spec.extensions.trace.is_none() {
            spec.extensions.trace = current::trace_for(shared);
        }
        let shared = shared.clone();
        let method = message.method();
        let mut request = Self { shared, message, method, spec, mode };
        if request.is_notification() {
            request.spec.deadline = None;
        }
        request
    }

    /// Makes a notification fail instead of wait.
    pub(crate) fn now(self) -> Self {
        Self { mode: SendMode::NotificationNow, ..self }
    }

    /// Enters the layers of the connection.
    pub(crate) fn begin(self) -> CallFuture {
        CallNext { layers: self.shared.layers.get(), depth: 0 }.call(self)
    }

    /// Returns the peer that is called.
    pub fn peer(&self) -> Peer {
        Peer { shared: self.shared.clone() }
    }

    /// Returns the name of the method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the JSON text of the params, an array or an object, or `None` if there are no params.
    pub fn params(&self) -> Option<&str> {
        self.message.params_text()
    }

    /// Replaces the params by a tuple or an array, a struct or a map, or `()` for no params. Pass JSON text as a
    /// `RawValue` of `serde_json`. If there are streams among the params, the references to them (`{"$stream":…}`)
    /// must stay where they are.
    ///
    /// # Errors
    /// [`Encode`](CallError::Encode): the params cannot be encoded, or are too large.
    pub fn set_params(&mut self, params: &impl Serialize) -> Result<(), CallError> {
        let limit = self.shared.config.limits.message_out;
        let message = Outgoing::new(&self.method, params, limit);
        self.message = message.map_err(|why| CallError::Encode(why.into()))?.filled();
        Ok(())
    }

    /// Returns whether the request is a notification. The answer of a notification is `null`, as soon as the outbound
    /// queue has accepted the notification.
    pub fn is_notification(&self) -> bool {
        match self.mode {
            SendMode::Call(_) | SendMode::InBatch(_) => false,
            SendMode::Notification
            | SendMode::NotificationNow
            | SendMode::NotificationInBatch(_) => true,
        }
    }

    /// Returns whether the call is a subscription.
    pub fn is_subscription(&self) -> bool {
        matches!(self.mode, SendMode::Call(Some(_)))
    }

    /// Returns whether the request is a member of a batch. The request is sent with its batch only if the layer calls
    /// `next` before its first wait. After a wait the request fails with [`Cancelled`](CallError::Cancelled) and
    /// [`NotSent`](Fate::NotSent). A request that is sent again after its batch is sent alone.
    pub fn is_in_batch(&self) -> bool {
        matches!(self.mode, SendMode::InBatch(_) | SendMode::NotificationInBatch(_))
    }

    /// Returns the deadline for the answer, or `None` if the caller has switched the timeout off. The timeout counts
    /// from the start of the call, so waits and retries share it. The deadline of the handler that makes the call
    /// applies too, but is not included here. Always `None` for a notification, unless a layer has set a deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.spec.deadline
    }

    /// Sets the deadline for the answer; with `None`, the call waits until the connection ends. Has no effect on a
    /// notification.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.spec.deadline = deadline;
    }

    /// Limits the deadline to `latest`, also if the deadline is renewed.
    pub(super) fn end_by(&mut self, latest: Instant) {
        let at = |own: Option<Instant>| own.map_or(latest, |own| own.min(latest));
        self.spec.deadline = Some(at(self.spec.deadline));
        self.spec.latest = Some(at(self.spec.latest));
    }

    /// Returns the trace of the request. The default is the trace of the handler that sends the request.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.spec.extensions.trace.as_ref()
    }

    /// Sets the trace of the request. The trace is sent only to a peer that is known to support traces, see
    /// [`Hello`](crate::transport::Hello).
    pub fn set_trace(&mut self, trace: TraceContext) {
        self.spec.extensions.trace = Some(trace);
    }

    /// Returns whether the call may run twice without harm: the trait declares the method as idempotent, or the
    /// [caller](crate::Call::idempotent) does. A call with an idempotency key is safe to send again as well.
    pub fn is_idempotent(&self) -> bool {
        self.spec.is_idempotent()
    }

    /// Returns the idempotency key; see [`Call::idempotency_key`](crate::Call::idempotency_key).
    pub fn idempotency_key(&self) -> Option<&str> {
        self.spec.extensions.idempotency_key.as_deref()
    }

    /// Sets the idempotency key, which makes the call safe to retry. Has no effect on a notification.
    ///
    /// # Errors
    /// [`Encode`](CallError::Encode): the key is empty or has more than 128 bytes.
    pub fn set_idempotency_key(&mut self, key: impl Into<String>) -> Result<(), CallError> {
        let key = checked_key(key.into()).map_err(|why| CallError::Encode(why.into()))?;
        self.spec.extensions.idempotency_key = Some(key);
        Ok(())
    }

    /// Sends the request without further layers, at the first poll of the future.
    fn send(self) -> CallFuture {
        let Self { shared, message, spec, mode, .. } = self;
        match mode {
            SendMode::Call(wanted) => CallFuture::from_future(async move {
                let call = PendingCall::new(shared, Ok(message));
                call.with_options(spec.into()).with_wanted(wanted).await
            }),
            SendMode::InBatch(slot) => CallFuture::from_future(async move {
                let options = Options::from(spec);
                let (queued, claim) = QueuedCall::claimed(options.clone(), &shared);
                match slot.fill((message, claim)) {
                    Ok(()) => PendingCall::queued(shared, queued).with_options(options).await,
                    Err(SlotError::Taken((message, _))) => {
                        PendingCall::new(shared, Ok(message)).with_options(options).await
                    }
                    Err(SlotError::Closed) => Err(CallError::Cancelled { fate: Fate::NotSent }),
                }
            }),
            SendMode::Notification => CallFuture::from_future(async move {
                let message = notification(message, spec, &shared);
                PendingNotification::new(shared, message).await?;
                Ok(Answer::null())
            }),
            SendMode::NotificationNow => CallFuture::from_future(async move {
                let message = notification(message, spec, &shared);
                PendingNotification::new(shared, message).try_now()?;
                Ok(Answer::null())
            }),
            SendMode::NotificationInBatch(slot) => CallFuture::from_future(async move {
                match slot.fill(notification(message, spec, &shared)) {
                    Ok(()) => Ok(Answer::null()),
                    Err(_) => Err(CallError::Cancelled { fate: Fate::NotSent }),
                }
            }),
        }
    }
}

fn notification(message: Outgoing, spec: CallSpec, shared: &Shared) -> Bytes {
    let is_known = shared.remote.get() == RemoteSupport::Extended;
    let Extensions { trace, forwarded, .. } = spec.extensions;
    let members = Extensions { trace, forwarded, ..Extensions::default() };
    message.notification_with(&if is_known { members } else { Extensions::default() })
}

impl fmt::Debug for CallRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRequest")
            .field("peer", &self.shared.id)
            .field("method", &self.method)
            .field("deadline", &self.spec.deadline)
            .finish_non_exhaustive()
    }
}

/// The rest of the way to the connection: the remaining layers, and then the connection.
#[derive(Clone)]
pub struct CallNext {
    layers: Layers,
    depth: usize,
}

impl CallNext {
    /// Passes the request on. The call starts at the first poll of the future, and dropping the future cancels the
    /// call. A request that is passed on twice is sent twice; the [`Fate`] of the first call shows whether a second
    /// call is safe.
    pub fn call(&self, request: CallRequest) -> CallFuture {
        match self.layers.at(self.depth) {
            Some(layer) => {
                let next = Self { layers: self.layers.clone(), depth: self.depth + 1 };
                layer.call(request, next)
            }
            None => request.send(),
        }
    }
}

impl fmt::Debug for CallNext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallNext")
    }
}
