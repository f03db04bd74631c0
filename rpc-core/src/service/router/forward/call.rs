//! A call that is handed on, until the other peer has answered it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use smol_str::SmolStr;

use super::plain_methods::PlainMethods;
use crate::error::call::CallError;
use crate::error::object::ErrorObject;
use crate::layers::{CallRequest, SendMode};
use crate::peer::call::forwarded::passed_on;
use crate::peer::from_answer::{Answer, Kind};
use crate::peer::pending_call::{PendingCall, Resolved};
use crate::protocol::Outcome;
use crate::service::handler::Forwarded;
use crate::util::sync::Arc;

/// A call that is handed on. Dropping it cancels the call.
pub(super) struct ForwardedCall {
    call: PendingCall,
    told: Option<Told>,
}

/// The peer was told that the call is handed on. Its answer says whether the method opens streams.
pub(super) struct Told {
    pub(super) plain_methods: Arc<PlainMethods>,
    pub(super) method: SmolStr,
}

impl Told {
    fn learn(&self, answer: &Answer) {
        match answer.0 {
            Kind::Stream(_) => self.plain_methods.forget(&self.method),
            Kind::Json(_) | Kind::Attached(_) => self.plain_methods.learn(&self.method),
        }
    }
}

impl ForwardedCall {
    pub(super) fn new(call: PendingCall, told: Option<Told>) -> Self {
        Self { call, told }
    }

    fn forwarded(&self, resolved: Resolved) -> Forwarded {
        if let Resolved::Outcome(Outcome::Error(error)) = resolved {
            return Forwarded::Error(error);
        }
        match self.call.answer::<Infallible>(resolved) {
            Ok(answer) => {
                self.told.as_ref().inspect(|told| told.learn(&answer));
                Forwarded::Answer(answer)
            }
            Err(CallError::Encode(why)) => ErrorObject::invalid_params(why.to_string()).into(),
            Err(error) => passed_on(error).into(),
        }
    }
}

impl Future for ForwardedCall {
    type Output = Forwarded;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Forwarded> {
        let call = &mut self.call;
        if call.is_new() && call.shared().layers.any() {
            call.hand_over(|shared, message, options, wanted| {
                CallRequest::new(shared, message, options, SendMode::Call(wanted)).begin()
            });
        }
        let resolved = ready!(call.poll_resolved(cx));
        Poll::Ready(self.forwarded(resolved))
    }
}
