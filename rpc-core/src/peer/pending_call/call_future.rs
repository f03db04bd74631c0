//! A call that layers resolve.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::error::call::CallError;
use crate::peer::from_answer::Answer;
use crate::util::sync::Mutex;

type BoxFuture = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send>>;

/// A call that goes through layers: a future of the raw answer, or of the error. An error of the method is
/// [`CallError::Remote`] here; the caller of the method gets the typed error.
///
/// Dropping the future cancels the call.
#[must_use = "a call does nothing until it is polled"]
pub struct CallFuture(
    /// The lock is never taken: it makes this `Sync`, as calls are.
    Mutex<BoxFuture>,
);

impl CallFuture {
    /// Boxes a future of the answer.
    pub fn from_future(
        future: impl Future<Output = Result<Answer, CallError>> + Send + 'static,
    ) -> Self {
        Self(Mutex::new(Box::pin(future)))
    }

    /// Returns an answer or an error that is known already.
    pub fn ready(answer: Result<Answer, CallError>) -> Self {
        Self::from_future(std::future::ready(answer))
    }

    /// Polls the future before anyone waits for it: everything up to the first wait is done then.
    pub(crate) fn poll_early(&mut self) {
        let polled = Pin::new(&mut *self).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(answer) = polled {
            *self = Self::ready(answer);
        }
    }
}

impl Future for CallFuture {
    type Output = Result<Answer, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.get_mut().expect("nobody panics with a lock that nobody takes").as_mut().poll(cx)
    }
}

impl fmt::Debug for CallFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallFuture")
    }
}
