//! A call that is served, until its result is written.

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

/// A running call of a method. Dropping it is how a call is cancelled.
///
/// It keeps what the method returned until the outbound queue has room for it, so that nothing is
/// serialised before it can be sent. As a future, for [layers](crate::layers), it comes to the
/// [`Outcome`].
#[must_use = "a handler does nothing until it is polled"]
pub struct Handler(Pin<Box<dyn Run>>);

impl Handler {
    /// Serves a call with what `future` comes to.
    pub fn new<T, E>(future: impl Future<Output = Result<T, E>> + Send + 'static) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        Self(Box::pin(MaybeDone::Future(future)))
    }

    /// Serves a subscription with the stream that `future` comes to. It is answered with the id of
    /// the subscription, and the items follow.
    pub fn streaming<T, E>(
        future: impl Future<Output = Result<Streaming<T>, E>> + Send + 'static,
    ) -> Self
    where
        T: Serialize + Send + 'static,
        E: RpcError,
    {
        Self(Box::pin(StreamOf(MaybeDone::Future(Box::pin(future)))))
    }

    /// Serves a call as [`new`](Self::new) does, in a task of its own: for work that keeps a
    /// processor busy, which would keep the connection from its other work. Needs a tokio runtime
    /// when it is first polled.
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

    /// Serves a subscription as [`streaming`](Self::streaming) does; what makes the stream runs in a
    /// task of its own.
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

    /// Serves a call as [`spawned`](Self::spawned) does; the end of the connection does not stop it. It
    /// goes on to its end then, and its result is dropped: [`Context::cancelled`] tells. A cancel by its
    /// caller and its deadline stop it as any other, the deadline also after the connection's end. There
    /// are at most [`detached`](crate::Limits::detached) of all connections together, or the call is busy;
    /// and a runtime that shuts down ends them.
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

    /// Serves a call on a thread where blocking harms nobody. Once begun it cannot be stopped: a
    /// cancelled call keeps its place among the live handlers until this returns.
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

    /// Serves a call with an outcome: of other handlers, or made anew.
    pub fn from_future(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self(Box::pin(MaybeDone::Future(future)))
    }

    /// Answers with `error`; nothing runs.
    pub fn error(error: ErrorObject) -> Self {
        Self::new(std::future::ready(Err::<(), _>(error)))
    }

    /// Runs the method; ready when it has returned.
    pub(crate) fn run(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }

    /// Writes the result as JSON at the end of `out`, after [`run`](Self::run) was ready; a stream is
    /// taken out instead, once.
    ///
    /// # Errors
    /// The method's own error, or why its result cannot be sent. `out` may then hold a part of it.
    pub(crate) fn finish(&mut self, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject> {
        self.0.as_mut().finish(out)
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
    /// This handler, for a place that outlives it as a future.
    fn take(&mut self) -> Self {
        Self(std::mem::replace(&mut self.0, Box::pin(Taken)))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}

/// What a [`Handler`] needs of the future that it hides.
trait Run: Send {
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()>;
    fn finish(self: Pin<&mut Self>, out: &mut BoundedWriter<'_>) -> Result<Finished, ErrorObject>;
    /// What it has returned, without writing it.
    fn look(self: Pin<&mut Self>) -> Returned;
}

/// What a method has returned, and is not written.
enum Returned {
    Result,
    Stream,
    Error(ErrorObject),
    /// That of another handler.
    Outcome(Outcome),
}

/// What a method came to.
pub(crate) enum Finished {
    /// A result, which is written.
    Result,
    /// A stream: its id is to be the result.
    Stream(Box<dyn Items>),
}

/// What the future of a handler comes to.
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
    F: Future<Output: Output> + Send,
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
}

const ENDED: &str = "asked after the future ended";

/// In the place of a handler that was taken out. As it has no size, its box is no allocation.
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

/// The future of a stream, in a box of its own: this wrapper can then be taken apart.
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
