//! The encoded notification. [`Notify`](crate::Notify), batches without calls and the notifications that pass through
//! layers are built on it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use crate::error::call::NotifyError;
use crate::peer::slot::Shared;
use crate::service::current;
use crate::util::sync::Arc;
use crate::util::waiter::poll_registered;

/// A message without calls, until the outbound queue has accepted the message. A message that is dropped before is not
/// sent.
pub(crate) struct PendingNotification {
    shared: Arc<Shared>,
    state: State,
}

enum State {
    New(Bytes),
    /// Waits for room in the queue. The ticket names the message's place in the order.
    Waiting(u64),
    Done,
}

impl PendingNotification {
    pub(crate) fn new(shared: Arc<Shared>, message: Bytes) -> Self {
        Self { shared, state: State::New(message) }
    }

    /// Enters the queue without a wait, or fails.
    pub(crate) fn try_now(mut self) -> Result<(), NotifyError> {
        let State::New(message) = std::mem::replace(&mut self.state, State::Done) else {
            unreachable!("a new notification was not polled");
        };
        self.shared.with(|state| {
            if state.protocol.ended().is_none()
                && !state.protocol.is_open()
                && !current::opens_session()
                && !state.protocol.is_muted(&message)
            {
                return Err(NotifyError::Full);
            }
            let entered = state.protocol.notify(message, current::opens_session);
            entered.map(drop).map_err(|reason| NotifyError::Closed { reason })
        })
    }

    /// Gives the message its place in the order. Returns the ticket if the message must wait.
    fn enter(&self, message: Bytes) -> Result<Option<u64>, NotifyError> {
        self.shared
            .with(|state| state.protocol.notify(message, current::opens_session))
            .map_err(|reason| NotifyError::Closed { reason })
    }

    fn poll_entered(&self, ticket: u64, cx: &Context<'_>) -> Poll<Result<(), NotifyError>> {
        poll_registered(cx.waker(), |task| {
            let entered = self
                .shared
                .with(|state| state.protocol.poll_entered(ticket, |kept| task.keep(kept)));
            match entered {
                Ok(entered) => entered.then_some(Ok(())),
                Err(reason) => Some(Err(NotifyError::Closed { reason })),
            }
        })
    }
}

impl Future for PendingNotification {
    type Output = Result<(), NotifyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New(_) = self.state
            && let State::New(message) = std::mem::replace(&mut self.state, State::Done)
        {
            match self.enter(message)? {
                Some(ticket) => self.state = State::Waiting(ticket),
                None => return Poll::Ready(Ok(())),
            }
        }
        let State::Waiting(ticket) = self.state else {
            panic!("a `Notify` was polled after it was ready");
        };
        let entered = ready!(self.poll_entered(ticket, cx));
        self.state = State::Done;
        Poll::Ready(entered)
    }
}

impl Drop for PendingNotification {
    fn drop(&mut self) {
        if let State::Waiting(ticket) = self.state {
            drop(self.shared.with(|state| state.protocol.withdraw_notification(ticket)));
        }
    }
}
