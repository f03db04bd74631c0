//! A call that is handed on, until the other peer has answered it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::call::CallError;
use crate::error::object::ErrorObject;
use crate::layers::{CallRequest, SendMode};
use crate::peer::call::forwarded::passed_on;
use crate::peer::pending_call::{PendingCall, Resolved};
use crate::protocol::Outcome;
use crate::service::handler::Forwarded;

/// A call that is handed on. Dropping it cancels the call.
pub(super) struct ForwardedCall(PendingCall);

impl ForwardedCall {
    pub(super) fn new(call: PendingCall) -> Self {
        Self(call)
    }

    fn forwarded(&self, resolved: Resolved) -> Forwarded {
        if let Resolved::Outcome(Outcome::Error(error)) = resolved {
            return Forwarded::Error(error);
        }
        match self.0.answer::<Infallible>(resolved) {
            Ok(answer) => Forwarded::Answer(answer),
            Err(CallError::Encode(why)) => ErrorObject::invalid_params(why.to_string()).into(),
            Err(error) => passed_on(error).into(),
        }
    }
}

impl Future for ForwardedCall {
    type Output = Forwarded;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Forwarded> {
        let call = &mut self.0;
        if call.is_new() && call.shared().layers.any() {
            call.hand_over(|shared, message, options, wanted| {
                CallRequest::new(shared, message, options, SendMode::Call(wanted)).begin()
            });
        }
        let resolved = ready!(call.poll_resolved(cx));
        Poll::Ready(self.forwarded(resolved))
    }
}
