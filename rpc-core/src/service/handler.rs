//! A served call, until its result is written.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use futures_util::future::MaybeDone;
use serde::Serialize;

use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::layers::Outcome;
use crate::service::context::Context;
use crate::service::spawn;
use crate::stream::{self, Items, Streaming};
use crate::util::bounded_writer::BoundedWriter;

mod forwarded;
mod spare;

pub(crate) use forwarded::Forwarded;

/// A running call of a method. Dropping the handler cancels the call.
///
/// The handler keeps the return value of the method until the outbound queue has room for it, so nothing is
/// serialised before it can be sent. For [layers](crate::layers) a handler is a future whose output is the
/// [`Outcome`].
#[must_use = "a handler does nothing until it is polled"]
pub struct Handler(Pin<Box<dyn Run>>);

impl Handler {
    /// Serves a call with the output of `future`.
    pub fn new<T, E>(future: impl Future<Output = Result<T, E>> + Send + 'static) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        Self(spare::boxed(future))
    }

    /// Serves a subscription with the stream that `future` returns. The answer is the id of the subscription; the
    /// items follow.
    pub fn streaming<T, E>(
        future: impl Future<Output = Result<Streaming<T>, E>> + Send + 'static,
    ) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        Self(Box::pin(StreamOf(MaybeDone::Future(Box::pin(future)))))
    }

    /// Serves a call as [`new`](Self::new) does, in a task of its own. Use this for work that keeps a processor busy
    /// and would delay other work of the connection.
    ///
    /// The first poll must be inside a tokio runtime.
    pub fn spawned<T, E>(
        cx: &Context,
        future: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        Self::new(spawn::spawned(cx.clone(), future))
    }

    /// Serves a subscription as [`streaming`](Self::streaming) does. The future that makes the stream runs in a task
    /// of its own.
    pub fn spawned_streaming<T, E>(
        cx: &Context,
        future: impl Future<Output = Result<Streaming<T>, E>> + Send + 'static,
    ) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        Self::streaming(spawn::spawned(cx.clone(), future))
    }

    /// Serves a call as [`spawned`](Self::spawned) does, but is not stopped when the connection ends. The work then
    /// runs to its end, and its result is dropped; [`Context::cancelled`] tells the work that the connection has
    /// ended. A cancel by the caller stops the work, and so does its deadline, also after the end of the connection.
    ///
    /// At most [`detached`](crate::Limits::detached) such calls run over all connections together; further calls are
    /// answered busy. A shutdown of the runtime ends them.
    pub fn detached<T, E>(
        cx: &Context,
        future: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        let config = &cx.shared().config;
        let Some(place) = config.registry.detach(config.limits.detached) else {
            return Self::error(ErrorObject::busy("detached"));
        };
        Self::new(spawn::detached(cx.clone(), async move {
            let _place = place;
            future.await
        }))
    }

    /// Serves a call on a thread for blocking work. Work that has begun cannot be stopped. After a cancel the call
    /// still counts as a running handler until `work` returns.
    pub fn blocking<T, E>(
        cx: &Context,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        Self::new(spawn::blocking(cx.clone(), work))
    }

    /// Serves a call with an outcome: the outcome of another handler, or a new one.
    pub fn from_future(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self(Box::pin(MaybeDone::Future(future)))
    }

    /// Serves a call with the answer of another peer, as that peer has sent it.
    pub(crate) fn forwarding(future: impl Future<Output = Forwarded> + Send + 'static) -> Self {
        Self(spare::boxed(future))
    }

    /// Answers with `error`. No method runs.
    pub fn error(error: ErrorObject) -> Self {
        Self::new(std::future::ready(Err::<(), _>(error)))
    }

    /// Polls the method. Ready when the method has returned.
    pub(crate) fn run(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }

    /// Writes the result as JSON at the end of `out`. Call this after [`run`](Self::run) was ready. A stream is not
    /// written but returned, once.
    ///
    /// # Errors
    /// Returns the method's own error, or the reason why its result cannot be sent. `out` may then hold a part of the
    /// result.
    pub(crate) fn finish(&mut self, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        self.0.as_mut().finish(out)
    }

    /// Drops the handler, and keeps its memory for the next handler of this thread.
    pub(crate) fn recycle(self) {
        spare::keep(self.0);
    }
}

impl Future for Handler {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Outcome> {
        ready!(self.run(cx));
        Poll::Ready(match self.0.as_mut().look() {
            Returned::Error(error) => error.into(),
            Returned::Outcome(outcome) => outcome,
            Returned::Result => Outcome::returned(self.take(), false),
            Returned::Stream => Outcome::returned(self.take(), true),
        })
    }
}

impl Handler {
    /// Moves this handler out of a future that has ended.
    fn take(&mut self) -> Self {
        Self(std::mem::replace(&mut self.0, Box::pin(Taken)))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}

/// The operations of a [`Handler`] on the future inside.
trait Run: Send {
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()>;
    fn finish(self: Pin<&mut Self>, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject>;
    /// Returns the output of the method, without writing it.
    fn look(self: Pin<&mut Self>) -> Returned;
    /// Drops the future and its output. Returns whether nothing is left but memory, for [`refill`](Self::refill).
    fn clear(self: Pin<&mut Self>) -> bool {
        false
    }
    /// Takes the future of an `Option`, if it is of the same type as the one before and that was dropped.
    fn refill(self: Pin<&mut Self>, _: &mut dyn Any) {}
}

/// The output of a method, not yet written.
enum Returned {
    Result,
    Stream,
    Error(ErrorObject),
    /// The outcome of another handler.
    Outcome(Outcome),
}

/// The output of a method after it was written.
pub(crate) enum Finished {
    /// The result is written.
    Result,
    /// The method returned a stream. Its id is to be written as the result.
    Stream(Box<dyn Items>),
}

/// The output of a handler's future.
trait Output: Send {
    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject>;
    fn look(&mut self) -> Returned;
}

impl<T: Serialize + Send, E: RpcError> Output for Result<T, E> {
    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        match self {
            Ok(value) => stream::json::write(out, value).map(|()| Finished::Result),
            Err(error) => Err(error.to_error_object()),
        }
    }

    fn look(&mut self) -> Returned {
        match self {
            Ok(_) => Returned::Result,
            Err(error) => Returned::Error(error.to_error_object()),
        }
    }
}

impl Output for Outcome {
    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        Outcome::write(self, out)
    }

    fn look(&mut self) -> Returned {
        Returned::Outcome(std::mem::replace(self, ErrorObject::internal().into()))
    }
}

impl<F> Run for MaybeDone<F>
where
    F: Future<Output: Output> + Send + 'static,
{
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        Future::poll(self, cx)
    }

    fn finish(self: Pin<&mut Self>, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        self.output_mut().expect(ENDED).write(out)
    }

    fn look(self: Pin<&mut Self>) -> Returned {
        self.output_mut().expect(ENDED).look()
    }

    fn clear(mut self: Pin<&mut Self>) -> bool {
        self.set(Self::Gone);
        true
    }

    fn refill(self: Pin<&mut Self>, future: &mut dyn Any) {
        spare::refill(self, future);
    }
}

const ENDED: &str = "asked after the future ended";

/// Stands in for a handler that was moved out. The type has no size, so its box allocates nothing.
struct Taken;

impl Run for Taken {
    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
        panic!("a `Handler` was polled after it was ready")
    }

    fn finish(self: Pin<&mut Self>, _: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        Err(ErrorObject::internal())
    }

    fn look(self: Pin<&mut Self>) -> Returned {
        Returned::Error(ErrorObject::internal())
    }
}

/// The future of a stream. It has a box of its own, so that this wrapper is `Unpin` and can be taken apart.
struct StreamOf<F: Future>(MaybeDone<Pin<Box<F>>>);

impl<F, T, E> Run for StreamOf<F>
where
    F: Future<Output = Result<Streaming<T>, E>> + Send,
    T: Serialize + Send + 'static,
    E: RpcError,
{
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }

    fn finish(
        mut self: Pin<&mut Self>,
        _: &mut BoundedWriter<'_>,
    ) -> Result<Finished, ErrorObject> {
        let output = Pin::new(&mut self.0).take_output();
        match output.expect("finished once, after the future ended") {
            Ok(stream) => Ok(Finished::Stream(stream.into_items())),
            Err(error) => Err(error.to_error_object()),
        }
    }

    fn look(mut self: Pin<&mut Self>) -> Returned {
        match Pin::new(&mut self.0).output_mut().expect(ENDED) {
            Ok(_) => Returned::Stream,
            Err(error) => Returned::Error(error.to_error_object()),
        }
    }
}
