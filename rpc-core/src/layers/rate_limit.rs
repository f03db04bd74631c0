//! A layer that limits the number of calls in a time.

mod sites;

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use self::sites::Sites;
use super::only::Only;
use super::{Layer, ServeNext, ServeRequest};
use crate::error::object::ErrorObject;
#[cfg(feature = "schema")]
use crate::method::MethodInfo;
use crate::peer::Peer;
#[cfg(feature = "schema")]
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex};

/// Limits the number of calls in a time. Further calls are answered busy (-32009), with `retryAfterMs` in the data.
///
/// Calls are admitted at an even pace, plus a [burst](Self::burst). A limit counts the calls of
/// [each connection](Self::per_connection), of [each address](Self::per_address), or of
/// [all connections](Self::shared) together; add several layers to combine these. The count of a connection is
/// dropped with the connection. The count of an address is dropped as soon as a new count would give the same
/// answers.
///
/// A batch is charged as a whole, with all its members, when its first member reaches the layer: either all members
/// are served or none. A batch larger than `burst` could never be served, and is answered -32010. Around a service,
/// or with [`only`](Self::only), the layer may concern only some members of a batch. Then the whole batch is charged,
/// and only the members that the layer concerns are refused.
///
/// ```
/// use std::time::Duration;
/// use rpc_core::layers::{Layers, RateLimit};
/// use rpc_core::transport::EndpointConfig;
/// use rpc_core::{Limits, Router};
///
/// let second = Duration::from_secs(1);
/// let mut setup = EndpointConfig::new(Router::new(), Limits::server());
/// setup.layers = Layers::new()
///     .layer(RateLimit::per_connection(50, second).burst(200))
///     .layer(RateLimit::per_address(10, 60 * second).only(["login"]))
///     .layer(RateLimit::shared(1000, second));
/// ```
#[derive(Clone)]
pub struct RateLimit {
    rate: Arc<Rate>,
    only: Only,
}

struct Rate {
    quota: Quota,
    per: Per,
    start: Instant,
}

/// The connections whose calls are counted together.
enum Per {
    Connection,
    Address(Sites),
    All(Limiter),
}

impl RateLimit {
    /// Creates a limit of `calls` in `time` for each connection, with a burst of `calls`.
    ///
    /// # Panics
    /// Panics if `calls` or `time` is 0, or if `calls` exceeds one per nanosecond.
    pub fn per_connection(calls: u32, time: Duration) -> Self {
        Self::new(quota(calls, time), |_| Per::Connection)
    }

    /// Creates a limit of `calls` in `time` for each [address](Peer::address), with a burst of `calls`.
    ///
    /// All connections from one address that share this layer or a clone of it count together, so a new connection
    /// gives no new calls. An IPv6 address counts as the network of its first 64 bits. Behind a proxy the address is
    /// that of the client only if the server is configured for the proxy. A connection without an address, such as a
    /// Unix socket, counts by itself. At most 65,536 addresses have a count of their own; all further addresses share
    /// one count.
    ///
    /// # Panics
    /// Panics if `calls` or `time` is 0, or if `calls` exceeds one per nanosecond.
    pub fn per_address(calls: u32, time: Duration) -> Self {
        Self::new(quota(calls, time), |limiter| Per::Address(Sites::new(limiter)))
    }

    /// Creates one limit of `calls` in `time`, with a burst of `calls`, for all connections, servers and services
    /// that share this layer or a clone of it.
    ///
    /// # Panics
    /// Panics if `calls` or `time` is 0, or if `calls` exceeds one per nanosecond.
    pub fn shared(calls: u32, time: Duration) -> Self {
        Self::new(quota(calls, time), Per::All)
    }

    fn new(quota: Quota, per: impl FnOnce(Limiter) -> Per) -> Self {
        let start = Instant::now();
        let per = per(limiter(quota, start));
        Self { rate: Arc::new(Rate { quota, per, start }), only: Only::default() }
    }

    /// Sets how many calls may come at once after a time without calls. The default is the number of calls in the
    /// whole time. The burst should not be smaller than the largest batch (`batch` of the [`Limits`](crate::Limits),
    /// 100 by default).
    ///
    /// The returned layer starts a new count, so set the burst before you share the layer.
    ///
    /// # Panics
    /// Panics if `calls` is 0.
    #[must_use]
    pub fn burst(self, calls: u32) -> Self {
        let calls = NonZeroU32::new(calls).expect("`burst` must be at least 1");
        let quota = self.rate.quota.allow_burst(calls);
        let per = |limiter| match self.rate.per {
            Per::Connection => Per::Connection,
            Per::Address(_) => Per::Address(Sites::new(limiter)),
            Per::All(_) => Per::All(limiter),
        };
        Self { only: self.only, ..Self::new(quota, per) }
    }

    /// Restricts the limit to these methods. Other methods run without it.
    #[must_use]
    pub fn only<I>(mut self, methods: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.only = Only::new(methods);
        self
    }
}

fn quota(calls: u32, time: Duration) -> Quota {
    let burst = NonZeroU32::new(calls).expect("`calls` must be at least 1");
    let quota = Quota::with_period(time / calls).map(|quota| quota.allow_burst(burst));
    quota.expect("`time` must be longer, or `calls` fewer")
}

impl Layer for RateLimit {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        if !self.only.concerns(call) {
            return next.serve(call);
        }
        let peer = call.cx().peer();
        let verdict = match call.batch() {
            None => self.rate.charge(&peer, 1),
            Some(batch) => {
                let verdicts = batch.value_or_default::<PerRate<Verdict>>();
                verdicts.get_or(&self.rate, || self.rate.charge(&peer, batch.count()))
            }
        };
        match verdict {
            Ok(()) => next.serve(call),
            Err(error) => Handler::error(error),
        }
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, _: &Context, _: &MethodInfo) -> bool {
        true
    }
}

type Verdict = Result<(), ErrorObject>;

impl Rate {
    fn charge(self: &Arc<Self>, peer: &Peer, calls: usize) -> Verdict {
        let own;
        let limiter = match &self.per {
            Per::All(limiter) => limiter,
            Per::Connection | Per::Address(_) => {
                let limiters = peer.shared.values.get_or_default::<PerRate<Arc<Limiter>>>();
                own = limiters.get_or(self, || self.limiter_of(peer));
                &own
            }
        };
        let calls = NonZeroU32::new(calls.try_into().unwrap_or(u32::MAX));
        let Some(calls) = calls else { return Ok(()) };
        match limiter.check_n(calls) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(early)) => {
                let wait = early.wait_time_from(limiter.clock().now());
                Err(ErrorObject::busy("rate_limit").with_retry_after(wait))
            }
            Err(_) => Err(ErrorObject::batch_beyond_burst(self.quota.burst_size().get())),
        }
    }

    /// Finds the limiter of a connection. This runs once for each connection.
    fn limiter_of(&self, peer: &Peer) -> Arc<Limiter> {
        let new = || limiter(self.quota, self.start);
        match (&self.per, peer.address()) {
            (Per::Address(sites), Some(address)) => {
                sites.get(address, self.quota.burst_size(), new)
            }
            _ => Arc::new(new()),
        }
    }
}

/// Holds one `T` for each rate. A program has few rates, so the list is short.
struct PerRate<T>(Mutex<Vec<(Arc<Rate>, T)>>);

impl<T: Clone> PerRate<T> {
    fn get_or(&self, rate: &Arc<Rate>, make: impl FnOnce() -> T) -> T {
        let mut entries = self.0.lock().unwrap();
        if let Some((_, value)) = entries.iter().find(|(of, _)| Arc::ptr_eq(of, rate)) {
            return value.clone();
        }
        let value = make();
        entries.push((rate.clone(), value.clone()));
        value
    }
}

impl<T> Default for PerRate<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Since, NoOpMiddleware<Duration>>;

fn limiter(quota: Quota, start: Instant) -> Limiter {
    RateLimiter::direct_with_clock(quota, Since(start))
}

/// The clock of tokio, which tests can pause.
#[derive(Debug, Clone)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("every", &self.rate.quota.replenish_interval())
            .field("burst", &self.rate.quota.burst_size())
            .field("per", &self.rate.per)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "Connection",
            Self::Address(_) => "Address",
            Self::All(_) => "All",
        })
    }
}
