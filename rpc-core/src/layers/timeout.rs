//! A layer that limits the time of a call.

use std::collections::HashMap;
use std::time::Duration;

use super::{CallFuture, CallNext, CallRequest, Layer, Outcome, ServeNext, ServeRequest};
use crate::error::object::ErrorObject;
#[cfg(feature = "schema")]
use crate::method::MethodInfo;
#[cfg(feature = "schema")]
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::runtime::{Instant, timeout};

/// Limits the time that a call may take, whatever its caller asks for.
///
/// A served call: a handler that takes longer is stopped, and its call is answered -32012. For a subscription the
/// limit covers the time until its stream begins; the stream itself is not limited.
///
/// A made call: the deadline of the call is brought forward to the limit if it is later, and the peer learns the new
/// deadline.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
/// use rpc_core::layers::Timeout;
/// use rpc_core::{CallError, Context, Fate, Router, Service, memory};
///
/// let slow = Router::new().method("sleep", |_: Context, (): ()| async {
///     Ok(tokio::time::sleep(Duration::from_secs(60)).await)
/// });
/// let slow = slow.layer(Timeout::new(Duration::from_secs(5)).method("sleep", Duration::from_millis(10)));
/// let (peer, _) = memory::pair(Router::new(), slow);
/// let late = peer.call::<()>("sleep", ()).await;
/// assert_eq!(late, Err(CallError::Timeout { fate: Fate::MaybeExecuted, heard: None }));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Timeout {
    limit: Duration,
    methods: HashMap<String, Duration>,
}

impl Timeout {
    /// Sets the limit for all methods.
    pub fn new(limit: Duration) -> Self {
        Self { limit, methods: HashMap::new() }
    }

    /// Sets another limit for one method. [`Duration::MAX`] means no limit.
    #[must_use]
    pub fn method(mut self, name: impl Into<String>, limit: Duration) -> Self {
        self.methods.insert(name.into(), limit);
        self
    }

    fn limit(&self, method: &str) -> Duration {
        self.methods.get(method).copied().unwrap_or(self.limit)
    }
}

impl Layer for Timeout {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        let limit = self.limit(call.name());
        let handler = next.serve(call);
        Handler::from_future(async move {
            let outcome = timeout(limit, handler).await;
            outcome.unwrap_or_else(|_| Outcome::from(ErrorObject::deadline()))
        })
    }

    fn call(&self, mut request: CallRequest, next: CallNext) -> CallFuture {
        if let Some(latest) = Instant::now().checked_add(self.limit(request.method())) {
            request.end_by(latest);
        }
        next.call(request)
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, _: &Context, _: &MethodInfo) -> bool {
        true
    }
}
