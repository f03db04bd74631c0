//! A call that layers resolve.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::error::call::CallError;
use crate::peer::from_answer::Answer;
use crate::util::sync::Mutex;

type BoxFuture = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send>>;

/// A call that passes through layers: a future of the raw answer or of the error. Layers see an error of the method as
/// [`CallError::Remote`]; the caller of the method gets the typed error.
///
/// Dropping the future cancels the call.
#[must_use = "a call does nothing until it is polled"]
pub struct CallFuture(
    /// The mutex is never locked. The mutex makes the type `Sync`, because calls are `Sync`.
    Mutex<BoxFuture>,
);

impl CallFuture {
    /// Boxes a future of the answer.
    pub fn from_future(
        future: impl Future<Output = Result<Answer, CallError>> + Send + 'static,
    ) -> Self {
        Self(Mutex::new(Box::pin(future)))
    }

    /// Creates a call that is already resolved.
    pub fn ready(answer: Result<Answer, CallError>) -> Self {
        Self::from_future(std::future::ready(answer))
    }

    /// Polls the future once before a task awaits it, so that it runs up to its first wait.
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
