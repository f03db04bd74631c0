//! The future of a typed call: entry into the layers, and decoding of the answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::Call;
use crate::error::call::CallError;
use crate::error::code::ErrorCode;
use crate::error::rpc_error::RpcError;
use crate::layers::{CallRequest, SendMode};
use crate::peer::from_answer::FromAnswer;
use crate::peer::pending_call::Resolved;

impl<T, E, P> Call<T, E, P> {
    /// Passes a new call to its layers, if there are any.
    pub(super) fn enter_layers(&mut self) {
        if self.pending.is_new() && self.pending.shared().layers.any() {
            self.pending.hand_over(|shared, message, options, wanted| {
                CallRequest::new(shared, message, options, SendMode::Call(wanted)).begin()
            });
        }
    }

    pub(super) fn poll_resolved(&mut self, cx: &mut Context<'_>) -> Poll<Resolved> {
        self.enter_layers();
        self.pending.poll_resolved(cx)
    }
}

impl<T: FromAnswer, E: RpcError, P> Call<T, E, P> {
    /// Decodes the answer.
    fn read(&self, resolved: Resolved) -> Result<T, CallError<E>> {
        let answer = self.pending.answer(resolved);
        let read = match answer {
            Err(CallError::Remote(error))
                if self.optional && error.code == ErrorCode::METHOD_NOT_FOUND =>
            {
                T::read_optional(None)
            }
            answer if self.optional => T::read_optional(Some(answer?)),
            answer => T::read(answer?),
        };
        read.map_err(|why| CallError::Decode(why.into()))
    }
}

impl<T: FromAnswer, E: RpcError, P> Future for Call<T, E, P> {
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.poll_resolved(cx).map(|resolved| this.read(resolved))
    }
}
