//! Futures that run after the answer of a handler.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;

use crate::util::catch::caught;
use crate::util::runtime::Handle;

type Future = Pin<Box<dyn std::future::Future<Output = ()> + Send>>;

/// Futures that start when an answer has entered the queue.
pub(crate) struct Deferred {
    futures: Vec<Future>,
    /// The runtime of the futures. The thread that sees the answer enter the queue may have no runtime.
    runtime: Handle,
}

impl Deferred {
    /// Makes an empty list. The futures will run on the current runtime.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub(crate) fn new() -> Self {
        Self { futures: Vec::new(), runtime: Handle::current() }
    }

    pub(crate) fn push(&mut self, future: impl std::future::Future<Output = ()> + Send + 'static) {
        self.futures.push(Box::pin(future));
    }

    /// Appends the futures of `other`.
    pub(crate) fn and(mut self: Box<Self>, other: Self) -> Box<Self> {
        self.futures.extend(other.futures);
        self
    }

    /// Starts the futures in order, each in a task of its own.
    pub(crate) fn start(self) {
        start_in_order(self.runtime, self.futures.into_iter());
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deferred").field(&self.futures.len()).finish()
    }
}

/// Each task starts the next task after its first poll. If all tasks were spawned in a loop, the last task would run
/// first, since tokio's workers begin with the task that was spawned last.
fn start_in_order(runtime: Handle, mut futures: std::vec::IntoIter<Future>) {
    let Some(mut future) = futures.next() else { return };
    let mut rest = Some((runtime.clone(), futures));
    runtime.spawn(std::future::poll_fn(move |cx| {
        let polled = caught(|| catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))));
        if let Some((runtime, futures)) = rest.take() {
            start_in_order(runtime, futures);
        }
        polled.unwrap_or_else(|panic| resume_unwind(panic))
    }));
}
