//! The untyped call. [`Call`](crate::Call), the calls of a batch and the calls that pass through layers are built on
//! it.
//!
//! ```text
//! New ─────── start ──────▶ Started ── outcome ──▶ Done
//! Queued ─ batch is sent ─▶ Started, Layered or Failed
//! New ────── layers ──────▶ Layered ── answer ───▶ Done
//! ```
//!
//! Dropping a call that is `Started` cancels the call. A call that is dropped before is never sent. This module
//! depends neither on layers nor on batches: a [`CallFuture`] resolves a call that passes through layers, and the
//! [`QueuedCall`] of a call of a batch reports that the batch was sent.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

#[cfg(feature = "schema")]
use smol_str::SmolStr;

use crate::error::call::CallError;
use crate::error::rpc_error::RpcError;
use crate::peer::from_answer::Answer;
use crate::peer::slot::Shared;
#[cfg(feature = "schema")]
use crate::protocol::Outcome;
use crate::protocol::tables::streams::Wanted;
use crate::service::current::ReleasedPermit;
use crate::util::sync::Arc;
use crate::wire::request::Outgoing;

mod call_future;
mod call_spec;
mod options;
mod outcome;
mod queued_call;
mod resolved;
mod start;

pub use call_future::CallFuture;
pub(crate) use call_spec::CallSpec;
pub(crate) use options::{Options, StartOptions, Streams, Timeout, checked_key};
pub(crate) use queued_call::{Claim, QueuedCall, Sent};
pub(crate) use resolved::{Failure, Resolved};

/// A call without types: an encoded request, until it is resolved.
///
/// The future returns the raw answer, or the error as layers see it.
pub(crate) struct PendingCall {
    shared: Arc<Shared>,
    state: State,
    options: Options,
    /// The names and the id member of the subscription, if the call is a subscription.
    wanted: Option<Box<Wanted>>,
    /// The name of the method. An error of another version of the method's service needs it.
    #[cfg(feature = "schema")]
    method: Option<SmolStr>,
}

enum State {
    New(Outgoing),
    /// Starts when its batch is sent.
    Queued(Arc<QueuedCall>),
    /// Passes through layers. The innermost layer starts another call.
    Layered(CallFuture),
    /// Failed before it started. Boxed, as the permit below: few calls have one, and each call is moved several times.
    Failed(Box<Failure>),
    Started {
        id: u64,
        /// Keeps the permit of the calling handler, which belongs to another connection, released.
        _released: Option<Box<ReleasedPermit>>,
    },
    Done,
}

impl PendingCall {
    /// Creates a call that is in no batch. An `Err` in `message` is the reason why the params cannot be encoded.
    pub(crate) fn new(shared: Arc<Shared>, message: Result<Outgoing, String>) -> Self {
        #[cfg(feature = "schema")]
        let method = message.as_ref().ok().map(Outgoing::method);
        let state = match message {
            Ok(message) => State::New(message),
            Err(why) => State::Failed(Failure::Encode(why).into()),
        };
        let call = Self::in_state(shared, state);
        #[cfg(feature = "schema")]
        let call = call.of_method(method);
        call
    }

    /// Creates a call that its batch sends.
    pub(crate) fn queued(shared: Arc<Shared>, queued: Arc<QueuedCall>) -> Self {
        Self::in_state(shared, State::Queued(queued))
    }

    fn in_state(shared: Arc<Shared>, state: State) -> Self {
        Self {
            shared,
            state,
            options: Options::default(),
            wanted: None,
            #[cfg(feature = "schema")]
            method: None,
        }
    }

    /// Sets the name of the method.
    #[cfg(feature = "schema")]
    pub(crate) fn of_method(mut self, method: Option<SmolStr>) -> Self {
        self.method = method;
        self
    }

    /// Returns the raw answer, or the error, typed with the method's error type.
    pub(crate) fn answer<E: RpcError>(&self, resolved: Resolved) -> Result<Answer, CallError<E>> {
        #[cfg(feature = "schema")]
        let resolved = self.explained(resolved);
        resolved.into_answer(&self.shared)
    }

    /// Adds to an error of the other end what is known of its version of the service.
    #[cfg(feature = "schema")]
    fn explained(&self, mut resolved: Resolved) -> Resolved {
        if let Some(method) = &self.method
            && let Resolved::Outcome(Outcome::Error(error)) = &mut resolved
        {
            self.shared.explain(error, method);
        }
        resolved
    }

    /// Sets the options.
    pub(crate) fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Makes the call a subscription if `wanted` is `Some`.
    pub(crate) fn with_wanted(mut self, wanted: Option<Box<Wanted>>) -> Self {
        self.wanted = wanted;
        self
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns the options of the subscription, if the call is one and has not started.
    pub(crate) fn wanted_mut(&mut self) -> Option<&mut Wanted> {
        self.wanted.as_deref_mut()
    }

    /// Changes the options. Has no effect on a call that has started.
    pub(crate) fn set(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
        if let State::Queued(queued) = &self.state {
            queued.set_options(self.options.clone());
        }
    }

    /// Fails a call that has not started, because the call cannot be encoded. Has no effect on other calls.
    pub(crate) fn fail(&mut self, why: String) {
        match &self.state {
            State::New(_) => {}
            // The batch leaves the call out.
            State::Queued(queued) => drop(queued.leave()),
            _ => return,
        }
        self.state = State::Failed(Failure::Encode(why).into());
    }

    /// Returns whether the call has neither started nor failed, and is in no batch.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.state, State::New(_))
    }

    /// Returns the name of the call's state, for `Debug`.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.state {
            State::New(_) | State::Queued(_) => "New",
            State::Started { .. } | State::Layered(_) => "Started",
            State::Failed(_) | State::Done => "Done",
        }
    }

    /// Replaces a new call by the future that `begin` returns. Has no effect on other calls.
    pub(crate) fn hand_over(
        &mut self,
        begin: impl FnOnce(&Arc<Shared>, Outgoing, Options, Option<Box<Wanted>>) -> CallFuture,
    ) {
        if let Some(message) = self.take_new() {
            let (options, wanted) = (std::mem::take(&mut self.options), self.wanted.take());
            self.state = State::Layered(begin(&self.shared, message, options, wanted));
        }
    }

    fn take_new(&mut self) -> Option<Outgoing> {
        if !self.is_new() {
            return None;
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::New(message) => Some(message),
            _ => None,
        }
    }

    /// Starts a new call before a task awaits the outcome. Has no effect on a call of a batch. A call that passes
    /// through layers is polled once.
    pub(crate) fn start(&mut self) {
        self.start_new(None);
        if let State::Layered(future) = &mut self.state {
            future.poll_early();
        }
    }

    fn start_new(&mut self, waiter: Option<&Waker>) {
        if let Some(message) = self.take_new() {
            self.state = self.send(message, waiter);
        }
    }

    /// Starts the call if it is new, and polls until the call is resolved.
    ///
    /// # Panics
    /// If the call was already resolved.
    pub(crate) fn poll_resolved(&mut self, cx: &mut Context<'_>) -> Poll<Resolved> {
        if let State::New(_) = self.state {
            self.start_new(Some(cx.waker()));
            if let State::Started { .. } = self.state {
                return Poll::Pending; // no poll of the outcome: the protocol has the waker
            }
        }
        if let State::Queued(queued) = &self.state {
            self.state = ready!(queued.poll_sent(cx)).into();
        }
        if let State::Started { id, .. } = self.state {
            let outcome = ready!(self.poll_outcome(id, cx.waker()));
            self.state = State::Done;
            return Poll::Ready(Resolved::Outcome(outcome));
        }
        if let State::Layered(future) = &mut self.state {
            let answer = ready!(Pin::new(future).poll(cx));
            self.state = State::Done;
            return Poll::Ready(Resolved::Layered(Box::new(answer)));
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Failed(failure) => Poll::Ready(Resolved::Failed(*failure)),
            _ => panic!("a call was polled after it was ready"),
        }
    }
}

impl Future for PendingCall {
    type Output = Result<Answer, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_resolved(cx).map(|resolved| self.answer(resolved))
    }
}

impl From<Sent> for State {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::As(id, released) => Self::Started { id, _released: released.map(Box::new) },
            Sent::Layered(future) => Self::Layered(future),
            Sent::Not(failure) => Self::Failed(failure.into()),
        }
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if let State::Queued(queued) = &self.state
            && let Some(sent) = queued.leave()
        {
            self.state = sent.into();
        }
        if let State::Started { id, .. } = self.state {
            self.shared.abandon(id);
        }
    }
}
