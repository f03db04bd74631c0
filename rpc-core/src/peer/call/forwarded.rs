//! Calls whose errors are passed on as they came: for bridges and proxies.

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
    /// Returns the result, or the error that a bridge or a proxy answers its own caller with. An error of the other
    /// end keeps its code, message and data, also if [`CallError`] has a variant for that error: if the other end is
    /// busy, this end is busy for its caller. A call without an answer is -32009 if it was not sent, so that it can be
    /// tried again; -32012 if its deadline is over; -32014 if the connection has ended and the call may have run;
    /// else -32603, and the log has the cause.
    ///
    /// If the call goes through [layers](crate::layers), the layers have read the error. An error that is busy, late,
    /// cancelled or interrupted then keeps only its code.
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
        let answer = resolved.into_answer::<Infallible>(self.pending.shared());
        let result =
            answer.and_then(|answer| T::read(answer).map_err(|why| CallError::Decode(why.into())));
        result.map_err(passed_on)
    }
}

/// The error that the caller of this end gets for a call without an answer.
fn passed_on(error: CallError) -> ErrorObject {
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
