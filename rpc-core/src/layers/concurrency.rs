//! No more handlers at once than there are places for.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use super::limiter::{Permit, Permits};
use super::only::Only;
use super::{Layer, Outcome, ServeNext, ServeRequest};
use crate::error::object::ErrorObject;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::sync::Arc;

/// So many handlers at once, over all connections and services that share the layer or a clone of it.
///
/// Further calls wait, in order, until one ends, their deadline comes or they are cancelled; nothing
/// of their params is decoded before. When too many wait, calls are answered busy (-32009). They are
/// requests in flight meanwhile, within the [`Limits`](crate::Limits) of their connection.
///
/// A handler that waits for a call of its own lends its place, and takes it back without waiting when
/// there is an answer: calls that call back through the same layer do not wait for themselves. So there
/// may be more handlers than places for a while; no further one starts before there are fewer again. A
/// handler that calls from a task which it has spawned lends nothing: what comes back waits, within the
/// deadline of the call.
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
    places: Arc<Permits>,
    most: usize,
    waiting: usize,
    only: Only,
}

impl Concurrency {
    /// At most so many handlers, of all methods, with four times as many waiting.
    ///
    /// # Panics
    /// If `most` is 0: then no call would ever be served.
    pub fn new(most: usize) -> Self {
        assert!(most > 0, "`most` must be at least 1");
        let waiting = most.saturating_mul(4);
        Self { places: Permits::new(most), most, waiting, only: Only::default() }
    }

    /// At most so many calls wait; more are busy. With 0 none waits.
    #[must_use]
    pub fn waiting(mut self, most: usize) -> Self {
        self.waiting = most;
        self
    }

    /// Concerns these methods only.
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
        if let Some(place) = self.places.take() {
            return Handler::from_future(Placed::new(place, cx, next.serve(call)));
        }
        let Some(waiting) = self.places.wait(self.waiting) else {
            return Handler::error(ErrorObject::busy("concurrency"));
        };
        let kept = next.keep(call);
        Handler::from_future(async move {
            let place = waiting.place().await;
            Placed::new(place, cx, kept.serve()).await
        })
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

/// A handler in its place.
struct Placed {
    place: Permit,
    cx: Context,
    handler: Handler,
    /// Whether we are told when it begins, or ceases, to wait for calls of its own.
    watches: bool,
}

impl Placed {
    fn new(place: Permit, cx: Context, handler: Handler) -> Self {
        Self { place, cx, handler, watches: false }
    }
}

impl Future for Placed {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.handler).poll(task);
        if polled.is_pending() {
            this.watches = true;
            this.place.set_lent(this.cx.waits_for_calls(task.waker()));
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
