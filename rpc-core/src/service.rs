//! The seam between the protocol and what is served: a method, a context and raw params go in, a
//! [`Handler`] comes out that gives the serialised result or an error object. Generated code, [`Router`](crate::Router) closures and everything that
//! wraps them meet here, and nowhere else.

use std::pin::Pin;
use std::task::{self, Poll, ready};
use std::{fmt, io};

use bytes::BytesMut;
use futures_util::future::MaybeDone;
use serde::Serialize;

use crate::error::object::{ErrorObject, RpcError};
use crate::layers::{Layer, Layered, Outcome};
use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::router_error::RouterError;
use crate::stream::{Items, Streaming};
use crate::util::escaped::Harmless;
use crate::util::log_throttle::Seldom;

pub(crate) mod context;
pub(crate) mod current;
pub(crate) mod error_data;
pub(crate) mod idempotency;
pub(crate) mod namespace;
pub(crate) mod params;
pub(crate) mod progress;
pub(crate) mod router;
pub(crate) mod router_error;
pub(crate) mod running;
pub(crate) mod scoped;
pub(crate) mod spawn;
pub(crate) mod validate;

/// A set of methods that a peer offers to the other end.
///
/// `#[service]` makes one from a trait (`ChatServer`), a [`Router`](crate::Router) joins several.
///
/// ```
/// use rpc_core::{MethodKind, Service, service};
///
/// #[service(namespace = "math")]
/// trait Math {
///     /// Adds.
///     fn add(&self, a: i64, b: i64) -> i64;
/// }
/// struct Exact;
/// impl Math for Exact {
///     fn add(&self, a: i64, b: i64) -> i64 { a + b }
/// }
/// let service = MathServer::new(Exact);
/// let add = &service.methods()[0];
/// assert_eq!((&*add.name, add.docs, &add.kind), ("math.add", "Adds.", &MethodKind::Request));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service by itself",
    label = "not a `Service`",
    note = "wrap the implementation of a `#[service]` trait `Chat` in what the macro made for it: `ChatServer::new(implementation)`, or `ChatServer::shared(arc)` of an `Arc`"
)]
pub trait Service: Send + Sync + 'static {
    /// The methods, in the order by which [`call`](Self::call) numbers them.
    fn methods(&self) -> &[MethodInfo];

    /// Whether the names can be offered: each once, and none that is reserved.
    ///
    /// # Errors
    /// All names that are wrong, and why.
    fn check(&self) -> Result<(), RouterError> {
        Ok(())
    }

    /// Starts the `method`-th method, which clones of `cx` what it needs. Params are decoded before
    /// this returns; the future does the rest. A panic, here or in the future, is answered -32603 and harms nothing else.
    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler;

    /// The same service with `layer` around each call of it; of several the first is the outermost.
    /// What it calls, and what is refused before it is asked, goes through the layers of the
    /// [whole end](crate::Setup::layers) only.
    fn layer(self, layer: impl Layer) -> Layered<Self>
    where
        Self: Sized,
    {
        Layered::new(self, layer)
    }
}

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
        let setup = &cx.shared().setup;
        let Some(place) = setup.hub.detach(setup.limits.detached) else {
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
    pub fn of(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
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
    pub(crate) fn finish(&mut self, out: &mut Limited<'_>) -> Result<Finished, ErrorObject> {
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
    fn finish(self: Pin<&mut Self>, out: &mut Limited<'_>) -> Result<Finished, ErrorObject>;
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
    fn write(&mut self, out: &mut Limited<'_>) -> Result<Finished, ErrorObject>;
    fn look(&mut self) -> Returned;
}

impl<T: Serialize + Send, E: RpcError> Output for Result<T, E> {
    fn write(&mut self, out: &mut Limited<'_>) -> Result<Finished, ErrorObject> {
        match self {
            Ok(value) => out.json(value).map(|()| Finished::Result),
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
    fn write(&mut self, out: &mut Limited<'_>) -> Result<Finished, ErrorObject> {
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

    fn finish(self: Pin<&mut Self>, out: &mut Limited<'_>) -> Result<Finished, ErrorObject> {
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

    fn finish(self: Pin<&mut Self>, _: &mut Limited<'_>) -> Result<Finished, ErrorObject> {
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

    fn finish(mut self: Pin<&mut Self>, _: &mut Limited<'_>) -> Result<Finished, ErrorObject> {
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

/// The raw params of a request: the JSON text of an array or an object, or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Params<'a>(pub(crate) Option<&'a str>);

impl<'a> Params<'a> {
    /// Params from a JSON text: an array, an object, or `null` for no params; `None` if the text looks like none of
    /// these. Only the first and the last character are looked at; the method that decodes the text finds other
    /// mistakes.
    pub fn new(json: &'a str) -> Option<Self> {
        let json = json.trim();
        if json == "null" {
            return Some(Self::none());
        }
        let bytes =
            (json.len() >= 2).then(|| (json.as_bytes()[0], json.as_bytes()[json.len() - 1]));
        matches!(bytes, Some((b'[', b']') | (b'{', b'}'))).then_some(Self(Some(json)))
    }

    /// No params.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The JSON text; `None` if the request had no params.
    pub fn as_str(self) -> Option<&'a str> {
        self.0
    }
}

/// What is likely to follow the last long piece of a result: quotes, brackets, our own tail. Without
/// room for it a result of 1 MiB, in memory of just its size, was moved to 2 MiB for one `}`.
const CLOSING: usize = 64;

/// A buffer that stops a result from growing past what may be sent, while it is being written.
pub(crate) struct Limited<'a> {
    out: &'a mut BytesMut,
    limit: usize,
    /// What is still to follow within the limit.
    tail: usize,
    exceeded: bool,
}

impl<'a> Limited<'a> {
    /// Writes at the end of `out`, which grows to at most `limit` bytes with a `tail` behind it.
    pub(crate) fn new(out: &'a mut BytesMut, limit: usize, tail: usize) -> Self {
        Self { out, limit, tail, exceeded: false }
    }

    /// Whether what was written did not fit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// Sees to room for so many more bytes. Left to itself a buffer doubles, and an answer of just
    /// `message_out` would hold twice as much for as long as it waits, and half more while it grows.
    /// A long one is given all that it may need at once, unless most of it is what is written now; what
    /// it leaves is for those that follow.
    #[cold]
    fn grow(&mut self, bytes: usize) {
        let needed = self.out.len() + bytes;
        if needed < self.limit / 8 {
            return self.out.reserve(bytes);
        }
        let capacity = if bytes > needed / 2 { needed } else { needed.max(self.limit) };
        let mut larger = BytesMut::with_capacity(capacity);
        larger.extend_from_slice(self.out);
        *self.out = larger;
    }

    pub(crate) fn text(&mut self, json: &str) -> Result<(), ErrorObject> {
        io::Write::write_all(self, json.as_bytes())
            .map_err(|_| ErrorObject::answer_too_big(self.limit))
    }

    pub(crate) fn json<T: Serialize>(&mut self, value: &T) -> Result<(), ErrorObject> {
        serde_json::to_writer(&mut *self, value).map_err(|error| {
            if self.exceeded {
                return ErrorObject::answer_too_big(self.limit);
            }
            static SELDOM: Seldom = Seldom::new();
            if let Some(left_out) = SELDOM.may_say() {
                tracing::error!(left_out, error = %Harmless(error), "a result cannot be written as JSON");
            }
            ErrorObject::internal()
        })
    }
}

impl io::Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.out.len() + bytes.len() + self.tail > self.limit {
            self.exceeded = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        if self.out.capacity() - self.out.len() < bytes.len() {
            self.grow(bytes.len() + CLOSING);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
