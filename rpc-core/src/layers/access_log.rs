//! A layer that logs one event for each call that has ended.

use std::borrow::Cow;
use std::time::Duration;

use super::outcome_label::{Ended, Ending};
use super::{CallFuture, CallNext, CallRequest, Layer, OTHER, ServeNext, ServeRequest};
use crate::method::MethodInfo;
use crate::peer::Peer;
#[cfg(feature = "schema")]
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::escaped::Escaped;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex, PoisonError};

/// A layer that logs one `tracing` event for each call, served or made, when the call has ended. Every subscriber
/// shows events, also the ordinary `tracing_subscriber::fmt()`. Spans, such as those of [`Tracing`](super::Tracing),
/// are shown by `fmt` only as the context of events.
///
/// ```text
/// INFO rpc_core::access: served peer="9f2c…" method="math.add" outcome="ok" duration=1.2ms
/// INFO rpc_core::access: served peer="9f2c…" method="math.div" outcome="-32602" duration=80µs
/// INFO rpc_core::access: called peer="9f2c…" method="confirm" outcome="timeout" duration=30s
/// ```
///
/// | field | value |
/// |---|---|
/// | `peer` | the [id](Peer::id) of the connection |
/// | `method` | the name of the method; for a fallback the name that the peer sent; `_OTHER` for a request of a method that is not offered |
/// | `outcome` | `ok`, `busy`, `timeout`, `unanswered`, `cancelled`, `panicked`, `closed`, `encode`, `decode`, or the code of the error |
/// | `duration` | the time from the start of the call to its outcome; a subscription has its outcome when its stream begins; a `refused` event has no duration |
/// | `left_out` | the number of events that were left out before this event, if there were any |
///
/// The message is `served`, `called`, or `refused` for a request that reached no handler. No event holds params,
/// results or error messages. Other log events of `rpc_core` tell why a call failed internally, with the same peer
/// and method.
///
/// A peer that makes many calls cannot fill the log. All connections and clones of this layer together log at most
/// 100 events in a second, or the number that [`at_most`](Self::at_most) sets. Further events are counted and left
/// out. Events have the level `INFO` and the target `rpc_core::access`. If the subscriber has turned that level or
/// target off, the layer costs nothing.
///
/// ```
/// use rpc_core::layers::{AccessLog, Layers};
/// use rpc_core::transport::EndpointConfig;
/// use rpc_core::{Limits, Router};
///
/// // The first layer is the outermost one, and sees the calls that other layers refuse.
/// let mut setup = EndpointConfig::new(Router::new(), Limits::server());
/// setup.layers = Layers::new().layer(AccessLog::new());
/// ```
#[derive(Debug, Clone)]
pub struct AccessLog {
    budget: Arc<Mutex<Budget>>,
}

impl AccessLog {
    /// Creates a layer that logs at most 100 events in a second.
    #[expect(
        clippy::new_without_default,
        reason = "a layer is made by its name, as the others are"
    )]
    pub fn new() -> Self {
        Self::of(100)
    }

    /// Sets the most events that are logged in a second, instead of 100. With 0 no event is logged.
    ///
    /// The returned layer counts its own events, apart from clones that were made before.
    #[must_use]
    pub fn at_most(self, events: u32) -> Self {
        Self::of(events)
    }

    fn of(most: u32) -> Self {
        let budget = Budget { most, left: 0, until: None, left_out: 0 };
        Self { budget: Arc::new(Mutex::new(budget)) }
    }

    /// Starts to measure a call now, and logs the call when it ends.
    fn ending(
        &self,
        peer: Peer,
        method: Cow<'static, str>,
        deadline: Option<Instant>,
        tell: fn(Line<'_>),
    ) -> Ending<impl FnOnce(Ended) + use<>> {
        let (log, start) = (self.clone(), Instant::now());
        Ending::new(deadline, move |ended| {
            log.tell(&peer, &method, ended, Some(start.elapsed()), tell);
        })
    }

    fn tell(
        &self,
        peer: &Peer,
        method: &str,
        ended: Ended,
        duration: Option<Duration>,
        tell: fn(Line<'_>),
    ) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left_out) = budget.take(Instant::now()) else { return };
        drop(budget);
        let outcome = ended.error_type().unwrap_or(Cow::Borrowed("ok"));
        let left_out = (left_out > 0).then_some(left_out);
        tell(Line { peer: peer.id(), method, outcome: &outcome, duration, left_out });
    }
}

/// The fields of one event.
struct Line<'a> {
    peer: &'a str,
    method: &'a str,
    outcome: &'a str,
    duration: Option<Duration>,
    left_out: Option<u64>,
}

const TARGET: &str = "rpc_core::access";

fn is_on() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::INFO)
}

fn served(line: Line<'_>) {
    let Line { peer, method, outcome, duration, left_out } = line;
    let duration = duration.map(tracing::field::debug);
    tracing::info!(target: TARGET, peer, method, outcome, duration, left_out, "served");
}

fn called(line: Line<'_>) {
    let Line { peer, method, outcome, duration, left_out } = line;
    let duration = duration.map(tracing::field::debug);
    tracing::info!(target: TARGET, peer, method, outcome, duration, left_out, "called");
}

fn refused(line: Line<'_>) {
    let Line { peer, method, outcome, left_out, .. } = line;
    tracing::info!(target: TARGET, peer, method, outcome, left_out, "refused");
}

impl Layer for AccessLog {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        if !is_on() {
            return next.serve(call);
        }
        let method = match call.cx().called() {
            None => call.method().name.clone(),
            Some(name) => Escaped(name).to_string().into(),
        };
        let ending = self.ending(call.cx().peer(), method, call.cx().deadline(), served);
        ending.around_handler(next.serve(call))
    }

    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        if !is_on() {
            return next.call(request);
        }
        // This program chose the name, but the name may contain text that a user has typed.
        let method = Escaped(request.method()).to_string().into();
        let ending = self.ending(request.peer(), method, request.deadline(), called);
        ending.around_call(next.call(request))
    }

    fn refused(&self, peer: &Peer, method: Option<&MethodInfo>, code: i64) {
        if is_on() {
            let name = method.map_or(OTHER, |method| &method.name);
            self.tell(peer, name, Ended::refused(code), None, refused);
        }
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, _: &Context, _: &MethodInfo) -> bool {
        true
    }
}

/// Counts the events that may be logged in each second.
#[derive(Debug)]
struct Budget {
    most: u32,
    /// How many more events may be logged before `until`.
    left: u32,
    until: Option<Instant>,
    left_out: u64,
}

impl Budget {
    /// Takes one event and returns how many events were left out since the last one. Returns `None` if no more events
    /// may be logged in this second.
    fn take(&mut self, now: Instant) -> Option<u64> {
        if self.until.is_none_or(|until| until <= now) {
            self.until = Some(now + Duration::from_secs(1));
            self.left = self.most;
        }
        let Some(left) = self.left.checked_sub(1) else {
            self.left_out += 1;
            return None;
        };
        self.left = left;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[test]
fn a_flood_is_so_many_lines_in_a_second_and_a_number() {
    let second = Duration::from_secs(1);
    let (mut budget, start) =
        (Budget { most: 2, left: 0, until: None, left_out: 0 }, Instant::now());
    assert_eq!([budget.take(start), budget.take(start)], [Some(0), Some(0)]);
    for _ in 0..1000 {
        assert_eq!(budget.take(start + second / 2), None);
    }
    assert_eq!(budget.take(start + second), Some(1000));
    assert_eq!(budget.take(start + second), Some(0));
    assert_eq!(budget.take(start + second), None);
    assert_eq!(budget.take(start + 3 * second), Some(1));
}
