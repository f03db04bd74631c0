//! A notification on its way out.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;

use crate::error::call::{CallError, NotifyError};
use crate::layers::{CallFuture, CallRequest, Route};
use crate::peer::call::Options;
use crate::peer::slot::Shared;
use crate::service::current;
use crate::util::sync::Arc;
use crate::util::waiter::poll_registered;
use crate::wire::request::Outgoing;

/// A notification: a future that ends when the outbound queue has taken it.
///
/// The params are encoded when the notification is made. It takes its place in the order of messages when it is
/// first polled, and may pass calls, and batches with calls, that wait for `calls_on_wire` of the
/// [`Limits`](crate::Limits). While the queue is full, notifications wait, in order. A notification that is
/// dropped before it has entered the queue is never sent. Nobody answers a notification, so success
/// does not mean that the other end has it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Router, memory};
///
/// let (peer, _) = memory::pair(Router::new(), Router::new());
/// peer.notify("log", ("hello",)).await?;
/// peer.try_notify("log", ("now or not at all",))?;
/// # Ok(()) }
/// ```
#[must_use = "a notification is not sent until it is polled"]
pub struct Notify {
    shared: Arc<Shared>,
    state: State,
}

enum State {
    New(Bytes),
    /// Has layers before it, which see it when it is first polled.
    Held(Box<CallRequest>),
    /// On its way through them.
    Layered(CallFuture),
    Failed(String),
    /// For room in the queue, under this ticket.
    Waiting(u64),
    Done,
}

impl Notify {
    pub(crate) fn new(shared: Arc<Shared>, message: Result<Outgoing, String>) -> Self {
        let state = match message {
            Ok(message) if shared.layers.any() => {
                let options = Options::default();
                State::Held(Box::new(CallRequest::new(
                    &shared,
                    message,
                    options,
                    Route::Notification,
                )))
            }
            Ok(message) => State::New(message.notification(current::trace_for(&shared))),
            Err(why) => State::Failed(why),
        };
        Self { shared, state }
    }

    /// With a message that is complete.
    pub(crate) fn whole(shared: Arc<Shared>, message: Bytes) -> Self {
        Self { shared, state: State::New(message) }
    }

    /// Enters at once or not at all.
    pub(crate) fn try_now(mut self) -> Result<(), NotifyError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::New(message) => self.shared.with(|state| {
                if state.protocol.ended().is_none() && !state.protocol.is_open() {
                    return Err(NotifyError::Full);
                }
                let entered = state.protocol.notify(message);
                entered.map(drop).map_err(|reason| NotifyError::Closed { reason })
            }),
            State::Held(calling) => {
                // Who waits in a layer would be waited for.
                let called = calling.now().begin().now_or_never();
                called.unwrap_or(Err(CallError::Busy)).map(drop).map_err(NotifyError::from)
            }
            State::Failed(why) => Err(NotifyError::Encode(why.into())),
            State::Layered(_) | State::Waiting(_) | State::Done => {
                unreachable!("a new notification was not polled")
            }
        }
    }

    /// Takes the notification's place in the order. `Some` is its ticket, if it must wait there.
    fn enter(&self, message: Bytes) -> Result<Option<u64>, NotifyError> {
        self.shared
            .with(|state| state.protocol.notify(message))
            .map_err(|reason| NotifyError::Closed { reason })
    }

    fn poll_layers(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NotifyError>> {
        let mut called = match std::mem::replace(&mut self.state, State::Done) {
            State::Held(calling) => calling.begin(),
            State::Layered(called) => called,
            _ => unreachable!("looked at by the only caller"),
        };
        let polled = Pin::new(&mut called).poll(cx);
        if polled.is_pending() {
            self.state = State::Layered(called);
        }
        polled.map(|came_to| came_to.map(drop).map_err(NotifyError::from))
    }

    /// Waits until the notification has entered the queue.
    fn poll_entered(&self, ticket: u64, cx: &Context<'_>) -> Poll<Result<(), NotifyError>> {
        poll_registered(cx.waker(), |task| {
            let entered = self
                .shared
                .with(|state| state.protocol.has_entered(ticket, |kept| task.keep(kept)));
            match entered {
                Ok(entered) => entered.then_some(Ok(())),
                Err(reason) => Some(Err(NotifyError::Closed { reason })),
            }
        })
    }
}

impl Future for Notify {
    type Output = Result<(), NotifyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let State::Held(_) | State::Layered(_) = this.state {
            return this.poll_layers(cx);
        }
        let ticket = match std::mem::replace(&mut this.state, State::Done) {
            State::New(message) => match this.enter(message)? {
                Some(ticket) => ticket,
                None => return Poll::Ready(Ok(())),
            },
            State::Waiting(ticket) => ticket,
            State::Failed(why) => return Poll::Ready(Err(NotifyError::Encode(why.into()))),
            _ => panic!("a `Notify` was polled after it was ready"),
        };
        let entered = this.poll_entered(ticket, cx);
        if entered.is_pending() {
            this.state = State::Waiting(ticket);
        }
        entered
    }
}

impl Drop for Notify {
    fn drop(&mut self) {
        if let State::Waiting(ticket) = self.state {
            drop(self.shared.with(|state| state.protocol.withdraw_notification(ticket)));
        }
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notify")
    }
}
