//! Calls whose errors are passed on as they came: for bridges and proxies.

use std::convert::Infallible;
use std::future::poll_fn;

use super::{Call, Settled, layered, typed};
use crate::error::call::{CallError, Fate};
use crate::error::code::ErrorCode;
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::peer::from_answer::FromAnswer;
use crate::protocol::Outcome;

impl<T: FromAnswer, E: RpcError, P> Call<T, E, P> {
    /// The result, or the error for the answer of a handler that passes the call on, as a bridge or a proxy does. An
    /// error of the other end keeps its code, message and data, also where a [`CallError`] has a variant of its own for
    /// it: what is busy there is busy for the caller here. A call that came to no answer is -32009 if it was not
    /// sent, so that it can be tried again; -32012 if its deadline is over; -32014 if the connection has ended and
    /// the call may have run; else -32603, and the log has the cause.
    ///
    /// If the call goes through [layers](crate::layers), they have read the error, and of one that is busy, late,
    /// cancelled or interrupted only the code is kept.
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
        let settled = poll_fn(|cx| self.poll_outcome(cx)).await;
        let failed = match settled {
            Ok(Settled::Outcome(Outcome::Error(error))) => return Err(*error),
            Ok(Settled::Outcome(outcome)) => typed::<T, Infallible>(outcome, &self.shared),
            Ok(Settled::Layered(answer)) => layered::typed::<T, Infallible>(*answer),
            Err(failure) => Err(failure.into()),
        };
        failed.map_err(passed_on)
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
