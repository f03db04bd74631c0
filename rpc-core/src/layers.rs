//! Middleware, around what is served and around what is called.
//!
//! A [`Layer`] sees each call: members of batches, notifications, subscriptions as well. It knows the
//! method, who calls or is called, the raw params and what came of it, and may change, delay, repeat,
//! refuse or answer it. The params of a served call are raw until the method decodes them, the
//! result is not serialised until there is room for it.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::sync::Arc;
//! use rpc_core::layers::{CallFuture, CallNext, CallRequest, Layer, Layers, ServeNext, ServeRequest};
//! use rpc_core::types::Handler;
//! use rpc_core::{Context, ErrorObject, Router, Service, memory};
//!
//! /// Counts what fails, served and called.
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
//! - Around a whole server or client: `layer` of its builder, [`EndpointConfig::layers`](crate::transport::EndpointConfig::layers).
//! - Around one connection: [`Endpoint::add_layer`](crate::transport::Endpoint::add_layer), and in a server
//!   `Connecting::layer` within `on_connect`.
//! - Around one service, a [`Router`](crate::Router) of several included:
//!   [`Service::layer`](crate::Service::layer).
//!
//! Everywhere the first one added is the outermost. Without layers a call costs a comparison more.
//!
//! What belongs to the protocol itself is no call and goes through none: cancels, pings, progress and
//! items of streams, the end of a subscription. A push to a [`Group`](crate::Group) is serialised once for
//! all members, so there is no one call for a layer to see; calls of a group's members are.
//!
//! # In the box
//!
//! | layer | served | called | feature |
//! |---|---|---|---|
//! | [`Tracing`] | a span for each, in the trace of its caller | a span for each, which travels along | traces of OpenTelemetry: `opentelemetry` |
//! | [`AccessLog`] | a line of the log, how long and what came of it | the same | |
//! | `Metrics` | how long, and what came of it | the same | `metrics` |
//! | [`Timeout`] | stopped, -32012 | the deadline is no later | |
//! | [`Concurrency`] | more wait, or are busy | | |
//! | `RateLimit` | more are busy, -32009 | | `rate-limit` |
//! | [`Authorize`] | denied, -32013 | | |
//! | `tower` | layers of tower, by `tower::Adapt` | a `Peer` is a service of tower | `tower` |
//!
//! A good order, from the outside: `Tracing`, `AccessLog`, `Metrics`, `RateLimit`, `Authorize`, `Concurrency`,
//! `Timeout`. Then the first three see the calls that the others refuse, and the time that a call waits for a
//! place does not count against its timeout.

use std::fmt;

use crate::method::MethodInfo;
use crate::peer::Peer;
use crate::service::handler::Handler;
use crate::util::sync::{Arc, AtomicBool, Mutex, Ordering};

mod access_log;
mod answer;
mod authorize;
mod calling;
mod concurrency;
mod limiter;
#[cfg(feature = "metrics")]
mod metrics;
mod only;
mod outcome;
mod outcome_label;
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod service;
mod serving;
mod timeout;
#[cfg(feature = "tower")]
pub mod tower;
mod tracing;

pub use crate::peer::from_answer::Answer;
pub use crate::util::members::Members;
pub use access_log::AccessLog;
pub use authorize::{Authorize, Verdict};
pub(crate) use calling::{BatchQueue, Late, Queue, Route};
pub use calling::{CallFuture, CallNext, CallRequest};
pub use concurrency::Concurrency;
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use outcome::Outcome;
#[cfg(feature = "rate-limit")]
pub use rate_limit::RateLimit;
pub use service::Layered;
pub use serving::{OwnedServeRequest, ServeNext, ServeRequest};
pub use timeout::Timeout;
pub use tracing::Tracing;

/// The name that metrics and the access log have for a method that is not offered.
const OTHER: &str = "_OTHER";

/// Middleware around what is served and what is called; see the [module](self) for an example.
///
/// One layer is shared by all calls that go through it. A panic in it is a panic of the handler, or
/// of the caller.
pub trait Layer: Send + Sync + 'static {
    /// Around serving a call, for as long as its handler lives. Who answers without `next` refuses the
    /// call or takes its place; its params are not even decoded then.
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        next.serve(call)
    }

    /// Around a call, or a notification, that this end makes. Who answers without `next` refuses it,
    /// and nothing is sent.
    ///
    /// Runs when the call starts; what it returns is polled at that moment. So with a layer that does
    /// not wait before it calls `next`, a started call has its place in the order as without; one that
    /// waits delays a call that was only [started](crate::Call::start) until that is polled.
    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        next.call(request)
    }

    /// A request of `peer` that was answered with an error before any layer saw it: of no method that
    /// is offered, too complex, beyond a limit (busy), without time left. `method` is one of ours, or
    /// `None`: what others call a method is not for the labels of a metric.
    ///
    /// Told to the layers of a whole end and of a connection.
    fn refused(&self, peer: &Peer, method: Option<&MethodInfo>, code: i64) {
        let _ = (peer, method, code);
    }
}

/// One layer in several places.
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
}

/// Some layers, the first the outermost. Clones share them.
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
    /// A thin pointer: most connections have none, and each keeps some of these.
    Option<Arc<Vec<Arc<dyn Layer>>>>,
);

impl Layers {
    /// None.
    pub const fn new() -> Self {
        Self(None)
    }

    /// These, and `layer` within them.
    #[must_use]
    pub fn layer(self, layer: impl Layer) -> Self {
        let layer: Arc<dyn Layer> = Arc::new(layer);
        Self(Some(Arc::new(self.iter().cloned().chain([layer]).collect())))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<dyn Layer>> {
        self.0.as_deref().map(Vec::as_slice).unwrap_or_default().iter()
    }

    /// The one at this depth; the outermost is 0.
    fn at(&self, depth: usize) -> Option<&dyn Layer> {
        self.0.as_ref()?.get(depth).map(|layer| &**layer)
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layers({})", self.len())
    }
}

/// The layers around one connection: those of its [`EndpointConfig`](crate::Setup), and its own.
pub(crate) struct Around {
    /// All that a call without layers looks at.
    any: AtomicBool,
    layers: Mutex<Layers>,
}

impl Around {
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
