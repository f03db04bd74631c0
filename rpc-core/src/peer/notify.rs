//! An outgoing notification.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;

use crate::error::call::{CallError, NotifyError};
use crate::layers::{CallFuture, CallRequest, SendMode};
use crate::peer::pending_call::Options;
use crate::peer::pending_notification::PendingNotification;
use crate::peer::slot::Shared;
use crate::service::current;
use crate::util::sync::Arc;
use crate::wire::extensions::Extensions;
use crate::wire::request::Outgoing;

/// A notification: a future that completes when the outbound queue has accepted the notification.
///
/// The params are encoded when the notification is created. The first poll gives the notification its place in the
/// order of messages. A notification may overtake calls, and batches with calls, that wait for `calls_on_wire` of the
/// [`Limits`](crate::Limits). While the queue is full, notifications wait in order. A notification has no answer, so
/// success does not mean that the other end has received the notification. If the other end has
/// [muted](crate::Peer::mute) the method, the future completes at once, and nothing is sent.
///
/// If the future is dropped before the queue has accepted the notification, the notification is never sent.
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
pub struct Notify(State);

enum State {
    Pending(PendingNotification),
    /// Enters its layers at the first poll.
    New(Box<CallRequest>),
    /// Passes through its layers.
    Layered(CallFuture),
    Failed(String),
    Done,
}

impl Notify {
    pub(crate) fn new(shared: Arc<Shared>, message: Result<Outgoing, String>) -> Self {
        Self(match message {
            Ok(message) if shared.layers.any() => {
                let (options, mode) = (Options::default(), SendMode::Notification);
                State::New(Box::new(CallRequest::new(&shared, message, options, mode)))
            }
            Ok(message) => {
                let message = message.notification(current::trace_for(&shared));
                State::Pending(PendingNotification::new(shared, message))
            }
            Err(why) => State::Failed(why),
        })
    }

    /// Creates a notification that is handed on for another end, with these members beside its params.
    pub(crate) fn forwarding(
        shared: Arc<Shared>,
        message: Outgoing,
        members: Box<Extensions>,
    ) -> Self {
        Self(if shared.layers.any() {
            let mut options = Options::default();
            options.extensions = Some(members);
            let request = CallRequest::new(&shared, message, options, SendMode::Notification);
            State::New(Box::new(request))
        } else {
            State::Pending(PendingNotification::new(shared, message.notification_with(&members)))
        })
    }

    /// Enters the queue without a wait, or fails.
    pub(crate) fn try_now(self) -> Result<(), NotifyError> {
        match self.0 {
            State::Pending(notification) => notification.try_now(),
            State::New(request) => {
                // A layer that waits makes the notification fail as busy.
                let answer = request.now().begin().now_or_never();
                answer.unwrap_or(Err(CallError::Busy)).map(drop).map_err(NotifyError::from)
            }
            State::Failed(why) => Err(NotifyError::Encode(why.into())),
            State::Layered(_) | State::Done => unreachable!("a new notification was not polled"),
        }
    }
}

impl Future for Notify {
    type Output = Result<(), NotifyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New(_) = self.0
            && let State::New(request) = std::mem::replace(&mut self.0, State::Done)
        {
            self.0 = State::Layered(request.begin());
        }
        let polled = match &mut self.0 {
            State::Pending(notification) => return Pin::new(notification).poll(cx),
            State::Layered(future) => {
                let answer = std::task::ready!(Pin::new(future).poll(cx));
                answer.map(drop).map_err(NotifyError::from)
            }
            State::Failed(why) => Err(NotifyError::Encode(std::mem::take(why).into())),
            State::New(_) | State::Done => panic!("a `Notify` was polled after it was ready"),
        };
        self.0 = State::Done;
        Poll::Ready(polled)
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notify")
    }
}
