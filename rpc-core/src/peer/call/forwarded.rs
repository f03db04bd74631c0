//! Calls that pass errors on unchanged, for bridges and proxies.

use std::convert::Infallible;
use std::future::poll_fn;

use super::Call;
use crate::error::call::{CallError, Fate};
use crate::error::code::ErrorCode;
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::peer::from_answer::FromAnswer;
use crate::peer::pending_call::Resolved;
use crate::protocol::Outcome;

impl<T: FromAnswer, E: RpcError, P> Call<T, E, P> {
    /// Returns the result, or the error that a bridge or a proxy can return to its own caller. An error of the other
    /// end keeps its code, message and data, even if [`CallError`] has a variant for the error. A call without an
    /// answer returns one of these codes:
    ///
    /// - -32009: the call was not sent and can be tried again.
    /// - -32012: the deadline has passed.
    /// - -32014: the connection has ended and the call may have run.
    /// - -32603: another cause, which is logged.
    ///
    /// If the call passes through [layers](crate::layers), an error that [`CallError`] has a variant for (busy,
    /// timeout, cancelled, interrupted) keeps only its code.
    ///
    /// Dropping the future cancels the call.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::types::RawParams;
    /// use rpc_core::{Context, ErrorObject, Router, memory};
    /// use serde_json::value::RawValue;
    ///
    /// let busy = Router::new().method("work", |_: Context, (): ()| async { Err::<(), _>(ErrorObject::busy("workers")) });
    /// let (worker, _) = memory::pair(Router::new(), busy);
    /// let proxy = Router::new().fallback(move |_: Context, method: String, params: RawParams| {
    ///     worker.call::<Box<RawValue>>(&method, params).forwarded()
    /// });
    /// let (peer, _) = memory::pair(Router::new(), proxy);
    /// assert_eq!(peer.call::<()>("work", ()).await, Err(rpc_core::CallError::Busy));
    /// # Ok(()) }
    /// ```
    pub async fn forwarded(mut self) -> Result<T, ErrorObject> {
        let resolved = match poll_fn(|cx| self.poll_resolved(cx)).await {
            Resolved::Outcome(Outcome::Error(error)) => return Err(*error),
            resolved => resolved,
        };
        let answer = self.pending.answer::<Infallible>(resolved);
        let result =
            answer.and_then(|answer| T::read(answer).map_err(|why| CallError::Decode(why.into())));
        result.map_err(passed_on)
    }
}

/// Returns the error that the bridge's own caller gets for a call without an answer.
pub(crate) fn passed_on(error: CallError) -> ErrorObject {
    let busy = |why| {
        ErrorObject::of_kind(ErrorCode::BUSY, Kind::Busy, format!("busy: not executed, {why}"))
    };
    match error {
        CallError::Busy => busy("where the call goes too much is going on"),
        CallError::Timeout { fate: Fate::NotSent, .. } => busy("the call was not sent in time"),
        CallError::Closed { fate: Fate::NotSent, .. } => {
            busy("where the call goes nobody is there")
        }
        CallError::Timeout { .. } => ErrorObject::deadline(),
        CallError::Cancelled { .. } => ErrorObject::cancelled(),
        CallError::Closed { .. } => ErrorObject::interrupted(None),
        other => other.into(),
    }
}
