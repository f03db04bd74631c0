//! A part of a handler that runs in another task.

use std::fmt;
use std::pin::Pin;
use std::task::{self, Poll};

use crate::service::context::Context;
use crate::service::current::{self, Turn};

/// A future whose polls count as polls of a handler, in whatever task they happen; see
/// [`Context::scope`](crate::Context::scope).
///
/// The future is `Send` if `F` is. Dropping it drops `F`.
#[must_use = "a future does nothing until it is polled or spawned"]
pub struct Scoped<F> {
    cx: Context,
    future: Pin<Box<F>>,
}

impl<F> Scoped<F> {
    pub(crate) fn new(cx: Context, future: F) -> Self {
        Self { cx, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _turn = Turn::begin(this.cx.shared());
        current::with_handler(this.cx.mark(), || this.future.as_mut().poll(task))
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scoped").field(&self.cx).finish()
    }
}
