//! Adapters between this crate and [tower](https://docs.rs/tower), in both directions.
//!
//! - [`Adapt`] turns a layer of tower into a [`Layer`]. The tower service gets each served call as an
//!   [`OwnedServeRequest`].
//! - A [`Peer`] is a tower service for a [`Request`], so layers of tower can wrap calls.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tower_service::Service;

use super::{Answer, Layer, Outcome, OwnedServeRequest, ServeNext, ServeRequest};
use crate::error::call::CallError;
use crate::error::object::ErrorObject;
use crate::peer::Peer;
use crate::peer::call::Call;
use crate::service::handler::Handler;
use crate::util::escaped::Escaped;
use crate::util::log_throttle::LogThrottle;
use crate::util::sync::{Arc, Mutex};

/// Any error that tower middleware returns.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Wraps served calls in a layer of tower.
///
/// The tower service is cloned for each call, so its clones must share the state that calls share, as clones of tower
/// services usually do. Each clone waits until it is ready, within the call. Params are copied, and are not decoded
/// before the inner service is called. Errors of methods are [`Outcome`]s, not errors of the tower service.
///
/// A handler that waits for a call of its own does not release its place in a concurrency limit of tower. Use
/// [`Concurrency`](super::Concurrency) if calls call back.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use rpc_core::layers::tower::Adapt;
/// use rpc_core::{CallError, Context, ErrorObject, Fate, Router, Service, memory};
/// use tower::timeout::{TimeoutLayer, error::Elapsed};
///
/// let slow = Router::new().method("sleep", |_: Context, (): ()| async {
///     Ok(tokio::time::sleep(Duration::from_secs(60)).await)
/// });
/// let timeout = Adapt::new(TimeoutLayer::new(Duration::from_millis(10)));
/// let slow = slow.layer(timeout.errors(|error| match error.is::<Elapsed>() {
///     true => ErrorObject::deadline(),
///     false => ErrorObject::internal(),
/// }));
/// let (peer, _) = memory::pair(Router::new(), slow);
/// let late = peer.call::<()>("sleep", ()).await;
/// assert_eq!(late, Err(CallError::Timeout { fate: Fate::MaybeExecuted, heard: None }));
/// # Ok(()) }
/// ```
pub struct Adapt<S> {
    /// Behind a lock, because tower services need not be `Sync`.
    service: Mutex<S>,
    errors: Arc<Errors>,
}

type Errors = dyn Fn(BoxError) -> ErrorObject + Send + Sync;

impl<S> Adapt<S> {
    /// Applies `layer` to a service that lets each call go on.
    pub fn new(layer: impl tower_layer::Layer<Next, Service = S>) -> Self {
        Self { service: Mutex::new(layer.layer(Next(()))), errors: Arc::new(error_object) }
    }

    /// Sets the answer to an error of the middleware. By default an [`ErrorObject`] is answered as it is. Any other
    /// error is logged and answered -32603.
    #[must_use]
    pub fn errors(self, errors: impl Fn(BoxError) -> ErrorObject + Send + Sync + 'static) -> Self {
        Self { errors: Arc::new(errors), ..self }
    }
}

fn error_object(error: BoxError) -> ErrorObject {
    match error.downcast::<ErrorObject>() {
        Ok(error) => *error,
        Err(error) => {
            static THROTTLE: LogThrottle = LogThrottle::new();
            if let Some(left_out) = THROTTLE.allow() {
                tracing::error!(left_out, error = %Escaped(error), "a layer of tower failed");
            }
            ErrorObject::internal()
        }
    }
}

impl<S> Layer for Adapt<S>
where
    S: Service<OwnedServeRequest, Response = Outcome, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + 'static,
{
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        let mut service = self.service.lock().unwrap().clone();
        let (request, errors) = (next.keep(call), self.errors.clone());
        Handler::from_future(async move {
            let served = async {
                poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
                service.call(request).await.map_err(Into::into)
            };
            served.await.unwrap_or_else(|error| errors(error).into())
        })
    }
}

impl<S> fmt::Debug for Adapt<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Adapt")
    }
}

/// The innermost service inside a layer of tower. It lets the call go on, and is always ready.
#[derive(Debug, Clone)]
pub struct Next(());

impl Service<OwnedServeRequest> for Next {
    type Response = Outcome;
    type Error = Infallible;
    type Future = Served;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OwnedServeRequest) -> Served {
        Served(call.serve())
    }
}

/// The future that tower polls for one served call.
#[derive(Debug)]
#[must_use = "a handler does nothing until it is polled"]
pub struct Served(Handler);

impl Future for Served {
    type Output = Result<Outcome, Infallible>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx).map(Ok)
    }
}

/// A call for a [`Peer`] to make, as a tower service takes it. A clone repeats the same call.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use std::time::Duration;
/// use rpc_core::layers::tower::Request;
/// use rpc_core::{Context, Router, memory};
/// use tower::{Service, ServiceBuilder, ServiceExt};
///
/// let adder = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
/// let (peer, _) = memory::pair(Router::new(), adder);
/// let mut calls = ServiceBuilder::new()
///     .concurrency_limit(8)
///     .timeout(Duration::from_secs(5))
///     .service(peer);
/// let answer = calls.ready().await?.call(Request::new("add", &(1, 2))?).await?;
/// assert_eq!(answer.decode::<i64>()?, 3);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Request {
    method: String,
    params: Option<Box<RawValue>>,
    timeout: Option<Duration>,
    idempotency_key: Option<String>,
}

impl Request {
    /// Creates a call of `method`. The params are as in [`Peer::call`].
    ///
    /// # Errors
    /// Returns [`Encode`](CallError::Encode) if the params cannot be written as JSON.
    pub fn new(method: impl Into<String>, params: &impl Serialize) -> Result<Self, CallError> {
        let params = serde_json::value::to_raw_value(params);
        let params = params.map_err(|error| CallError::Encode(error.to_string().into()))?;
        let params = Some(params).filter(|params| params.get() != "null");
        Ok(Self { method: method.into(), params, timeout: None, idempotency_key: None })
    }

    /// Sets the timeout of the call; see [`Call::timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the idempotency key of the call; see [`Call::idempotency_key`].
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Returns the name of the method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the JSON text of the params, or `None` if there are no params.
    pub fn params(&self) -> Option<&str> {
        self.params.as_deref().map(RawValue::get)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Calls the peer. The service is always ready: a call that finds no room fails with [`Busy`](CallError::Busy).
impl Service<Request> for Peer {
    type Response = Answer;
    type Error = CallError;
    type Future = Call<Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Call<Answer> {
        let call = match &request.params {
            Some(params) => Peer::call(self, &request.method, params),
            None => Peer::call(self, &request.method, ()),
        };
        let call = match request.timeout {
            Some(timeout) => call.timeout(timeout),
            None => call,
        };
        match request.idempotency_key {
            Some(key) => call.idempotency_key(key),
            None => call,
        }
    }
}
