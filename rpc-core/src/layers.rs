//! Middleware around calls that this end serves, and around calls that it makes.
//!
//! A [`Layer`] sees each call, notification and subscription, also inside a batch. It knows the method, the peer, the
//! raw params and the outcome. It may change, delay, repeat, refuse or answer the call. The params of a served call
//! stay raw until the method decodes them. The result is not serialised until the outbound queue has room for it.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::sync::Arc;
//! use rpc_core::layers::{CallFuture, CallNext, CallRequest, Layer, Layers, ServeNext, ServeRequest};
//! use rpc_core::types::Handler;
//! use rpc_core::{Context, ErrorObject, Router, Service, memory};
//!
//! /// Counts failed calls, served and made.
//! #[derive(Clone, Default)]
//! struct Failures(Arc<AtomicU64>);
//!
//! impl Layer for Failures {
//!     fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
//!         let (failures, method) = (self.0.clone(), call.method().name.clone());
//!         let handler = next.serve(call); // runs when it is awaited, and is stopped when dropped
//!         Handler::from_future(async move {
//!             let outcome = handler.await;
//!             if let Some(error) = outcome.error() {
//!                 println!("{method}: {error}");
//!                 failures.fetch_add(1, Ordering::Relaxed);
//!             }
//!             outcome
//!         })
//!     }
//!
//!     fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
//!         let failures = self.0.clone();
//!         CallFuture::from_future(async move {
//!             let answer = next.call(request).await;
//!             failures.fetch_add(u64::from(answer.is_err()), Ordering::Relaxed);
//!             answer
//!         })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let failures = Failures::default();
//! let root = Router::new().method("root", |_: Context, (n,): (f64,)| async move {
//!     if n < 0.0 { Err(ErrorObject::new(1, "negative")) } else { Ok(n.sqrt()) }
//! });
//! let (peer, _) = memory::pair(Router::new(), root.layer(failures.clone()));
//! assert_eq!(peer.call::<f64>("root", (9,)).await?, 3.0);
//! assert!(peer.call::<f64>("root", (-9,)).await.is_err());
//! assert_eq!(failures.0.load(Ordering::Relaxed), 1);
//! # Ok(()) }
//! ```
//!
//! # Where layers stand
//!
//! ```text
//! served:   connection ─▶ EndpointConfig::layers ─▶ layers of the connection ─▶ Service::layer ─▶ method
//! called:   Call, Notify, Batch ─▶ EndpointConfig::layers ─▶ layers of the connection ─▶ connection
//! ```
//!
//! - Around a whole server or client: `layer` of its builder, or
//!   [`EndpointConfig::layers`](crate::transport::EndpointConfig::layers).
//! - Around one connection: [`Endpoint::add_layer`](crate::transport::Endpoint::add_layer), or `Connecting::layer`
//!   within the `on_connect` of a server.
//! - Around one service, for example a [`Router`](crate::Router) of several services:
//!   [`Service::layer`](crate::Service::layer).
//!
//! The layer that is added first is the outermost one. A call without layers costs one comparison more than it would
//! without this module.
//!
//! Messages of the protocol itself are not calls, so no layer sees them: cancels, pings, progress, items of streams
//! and the end of a subscription. A push to a [`Group`](crate::Group) is serialised once for all its members, so
//! layers do not see the push. Layers do see calls of the members of a group.
//!
//! # In the box
//!
//! | layer | served | called | feature |
//! |---|---|---|---|
//! | [`Tracing`] | a span for each call, in the trace of the caller | a span for each call, whose trace goes to the peer | for traces of OpenTelemetry: `opentelemetry` |
//! | [`AccessLog`] | one log event for each call, with its duration and outcome | the same | |
//! | `Metrics` | duration and outcome of each call | the same | `metrics` |
//! | [`Timeout`] | stops the handler, answers -32012 | brings the deadline forward | |
//! | [`Concurrency`] | further calls wait, or are answered busy (-32009) | | |
//! | `RateLimit` | further calls are answered busy (-32009) | | `rate-limit` |
//! | [`Authorize`] | denied calls are answered -32013 | | |
//! | `tower` | runs a layer of tower, by `tower::Adapt` | a `Peer` is a service of tower | `tower` |
//!
//! A good order, from the outside: `Tracing`, `AccessLog`, `Metrics`, `RateLimit`, `Authorize`, `Concurrency`,
//! `Timeout`. In this order the first three layers see the calls that the other layers refuse. The time that a call
//! waits for a permit of `Concurrency` does not count against its timeout.

use std::fmt;

use crate::method::MethodInfo;
use crate::peer::Peer;
#[cfg(feature = "schema")]
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::sync::{Arc, AtomicBool, Mutex, Ordering};

mod access_log;
mod answer;
mod authorize;
mod call_request;
mod concurrency;
mod limiter;
mod member_slot;
#[cfg(feature = "metrics")]
mod metrics;
mod only;
mod outcome;
mod outcome_label;
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod serve_request;
mod service;
mod timeout;
#[cfg(feature = "tower")]
pub mod tower;
mod tracing;

pub use crate::peer::from_answer::Answer;
pub use crate::peer::pending_call::CallFuture;
pub use crate::util::members::Members;
pub use access_log::AccessLog;
pub use authorize::{Authorize, Verdict};
pub(crate) use call_request::SendMode;
pub use call_request::{CallNext, CallRequest};
pub use concurrency::Concurrency;
pub(crate) use member_slot::MemberSlot;
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use outcome::Outcome;
#[cfg(feature = "rate-limit")]
pub use rate_limit::RateLimit;
pub use serve_request::{OwnedServeRequest, ServeNext, ServeRequest};
pub use service::Layered;
pub use timeout::Timeout;
pub use tracing::Tracing;

/// The method name that metrics and the access log use for a method that this end does not offer.
const OTHER: &str = "_OTHER";

/// Middleware around served calls and around made calls. See the [module](self) for an example.
///
/// All calls that pass the layer share one value. A panic in [`serve`](Self::serve) counts as a panic of the handler,
/// a panic in [`call`](Self::call) as a panic of the caller.
pub trait Layer: Send + Sync + 'static {
    /// Wraps the serving of a call, until its handler ends or is dropped.
    ///
    /// A layer that returns a [`Handler`] without using `next` refuses the call or answers it in place of the method.
    /// The params are not decoded then.
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        next.serve(call)
    }

    /// Wraps a call or a notification that this end makes. A layer that returns a future without using `next` refuses
    /// or answers the call; nothing is sent then.
    ///
    /// The layer runs when the call starts, and the returned future is polled once at that moment. A layer that uses
    /// `next` before its first wait does not change the order in which calls are sent. A layer that waits before it
    /// uses `next` delays a call that was only [started](crate::Call::start) until that call is polled.
    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        next.call(request)
    }

    /// Reports a request of `peer` that was answered with an error before any layer saw it. The method is not
    /// offered, the request is too complex, a limit is reached (busy), or the deadline has passed. `code` is the code
    /// of the error.
    ///
    /// `method` is `None` if this end does not offer the method. The name that the peer sent is left out, because a
    /// peer must not choose the labels of a metric.
    ///
    /// Only the layers of a whole endpoint and of a connection get this report; the layers of a service do not.
    fn refused(&self, peer: &Peer, method: Option<&MethodInfo>, code: i64) {
        let _ = (peer, method, code);
    }

    /// Returns whether the peer of `cx` may know from `$/hello` what the `method` `rpc.model` would answer; see
    /// [`Discovery::in_hello`](crate::schema::Discovery::in_hello). No call is served, and so
    /// [`serve`](Self::serve) is not asked. The method is called once for each connection.
    ///
    /// By default no peer may know, because a layer may refuse the method. Return `true` in a layer that lets every peer
    /// call every method. [`Authorize`] asks its rule, unless the rule may wait.
    #[cfg(feature = "schema")]
    fn shows_offers(&self, cx: &Context, method: &MethodInfo) -> bool {
        let _ = (cx, method);
        false
    }
}

/// Lets several places share one layer.
impl<L: Layer + ?Sized> Layer for Arc<L> {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        (**self).serve(call, next)
    }

    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        (**self).call(request, next)
    }

    fn refused(&self, peer: &Peer, method: Option<&MethodInfo>, code: i64) {
        (**self).refused(peer, method, code);
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, cx: &Context, method: &MethodInfo) -> bool {
        (**self).shows_offers(cx, method)
    }
}

/// A list of layers. The first layer is the outermost one. Clones share the layers.
///
/// ```
/// use std::time::Duration;
/// use rpc_core::layers::{Concurrency, Layers, Timeout};
/// use rpc_core::transport::EndpointConfig;
/// use rpc_core::{Limits, Router};
///
/// let mut setup = EndpointConfig::new(Router::new(), Limits::server());
/// setup.layers = Layers::new().layer(Timeout::new(Duration::from_secs(10))).layer(Concurrency::new(64));
/// ```
#[derive(Clone, Default)]
pub struct Layers(
    /// A thin pointer: most connections have no layers, and each connection keeps several of these values.
    Option<Arc<Vec<Arc<dyn Layer>>>>,
);

impl Layers {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Adds `layer` inside the layers of this list.
    #[must_use]
    pub fn layer(self, layer: impl Layer) -> Self {
        let layer: Arc<dyn Layer> = Arc::new(layer);
        Self(Some(Arc::new(self.iter().cloned().chain([layer]).collect())))
    }

    /// Returns whether the list has no layers.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the number of layers.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<dyn Layer>> {
        self.0.as_deref().map(Vec::as_slice).unwrap_or_default().iter()
    }

    /// Returns whether all layers let the peer of `cx` know what `method` would answer.
    #[cfg(feature = "schema")]
    pub(crate) fn show_offers(&self, cx: &Context, method: &MethodInfo) -> bool {
        self.iter().all(|layer| layer.shows_offers(cx, method))
    }

    /// Returns the layer at this depth. The outermost layer has depth 0.
    fn at(&self, depth: usize) -> Option<&dyn Layer> {
        self.0.as_ref()?.get(depth).map(|layer| &**layer)
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layers({})", self.len())
    }
}

/// The layers around one connection: those of its [`EndpointConfig`](crate::transport::EndpointConfig), and those of the connection
/// alone.
pub(crate) struct ConnectionLayers {
    /// Whether there are any layers. A call without layers reads nothing else.
    any: AtomicBool,
    layers: Mutex<Layers>,
}

impl ConnectionLayers {
    pub(crate) fn new(layers: Layers) -> Self {
        Self { any: AtomicBool::new(!layers.is_empty()), layers: Mutex::new(layers) }
    }

    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    pub(crate) fn get(&self) -> Layers {
        self.layers.lock().unwrap().clone()
    }

    pub(crate) fn add(&self, layer: impl Layer) {
        let mut layers = self.layers.lock().unwrap();
        *layers = std::mem::take(&mut *layers).layer(layer);
        self.any.store(true, Ordering::Relaxed);
    }
}
