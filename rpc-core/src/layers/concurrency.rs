//! A layer that limits the number of handlers that run at once.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use super::limiter::{Permit, Permits};
use super::only::Only;
use super::{Layer, Outcome, ServeNext, ServeRequest};
use crate::error::object::ErrorObject;
#[cfg(feature = "schema")]
use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::sync::Arc;

/// Limits how many handlers run at once, over all connections and services that share the layer or a clone of it.
///
/// Further calls wait in order. A call waits until a permit is free, until its deadline comes, or until it is
/// cancelled. Its params are not decoded while it waits. If too many calls wait, further calls are answered busy
/// (-32009). Waiting calls count as requests in flight within the [`Limits`](crate::Limits) of their connection.
///
/// A handler that waits for a call of its own releases its permit, and takes the permit back without waiting when the
/// answer is there. So calls that call back through the same layer cannot block each other. For a while more handlers
/// than the limit may run; no further handler starts until their number is below the limit again. A handler that
/// makes its call in a task that it has spawned does not release its permit. A call back then waits for another
/// permit, within the deadline of the call.
///
/// ```
/// use rpc_core::layers::Concurrency;
/// use rpc_core::{Context, Router, Service};
///
/// let reports = Router::new().method("report", |_: Context, (): ()| async { Ok("long") });
/// let reports = reports.layer(Concurrency::new(4).waiting(100).only(["report"]));
/// ```
#[derive(Clone)]
pub struct Concurrency {
    permits: Arc<Permits>,
    most: usize,
    waiting: usize,
    only: Only,
}

impl Concurrency {
    /// Creates a limit of `most` handlers for all methods. Up to four times as many calls wait.
    ///
    /// # Panics
    /// Panics if `most` is 0, because no call would ever be served.
    pub fn new(most: usize) -> Self {
        assert!(most > 0, "`most` must be at least 1");
        let waiting = most.saturating_mul(4);
        Self { permits: Permits::new(most), most, waiting, only: Only::default() }
    }

    /// Sets how many calls may wait, instead of four times the limit. Further calls are answered busy (-32009). With
    /// 0 no call waits.
    #[must_use]
    pub fn waiting(mut self, most: usize) -> Self {
        self.waiting = most;
        self
    }

    /// Restricts the limit to these methods. Other methods run without it.
    #[must_use]
    pub fn only<I>(mut self, methods: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.only = Only::new(methods);
        self
    }
}

impl Layer for Concurrency {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        if !self.only.concerns(call) {
            return next.serve(call);
        }
        let cx = call.cx().clone();
        if let Some(permit) = self.permits.take() {
            return Handler::from_future(Placed::new(permit, cx, next.serve(call)));
        }
        let Some(waiting) = self.permits.wait(self.waiting) else {
            return Handler::error(ErrorObject::busy("concurrency"));
        };
        let request = next.keep(call);
        Handler::from_future(async move {
            let permit = waiting.permit().await;
            Placed::new(permit, cx, request.serve()).await
        })
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, _: &Context, _: &MethodInfo) -> bool {
        true
    }
}

impl fmt::Debug for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concurrency")
            .field("most", &self.most)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

/// A handler that holds a permit.
struct Placed {
    permit: Permit,
    cx: Context,
    handler: Handler,
    /// Whether `cx` wakes this task when the handler begins or ceases to wait for calls of its own.
    watches: bool,
}

impl Placed {
    fn new(permit: Permit, cx: Context, handler: Handler) -> Self {
        Self { permit, cx, handler, watches: false }
    }
}

impl Future for Placed {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.handler).poll(task);
        if polled.is_pending() {
            this.watches = true;
            this.permit.set_released(this.cx.waits_for_calls(task.waker()));
        }
        polled
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.watches {
            self.cx.watches_no_calls();
        }
    }
}
