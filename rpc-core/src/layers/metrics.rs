//! A layer that measures duration and outcome of calls, for the `metrics` facade.

use std::borrow::Cow;

use metrics::{
    Label, SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use super::outcome_label::{Ended, Ending};
use super::{CallFuture, CallNext, CallRequest, Layer, OTHER, ServeNext, ServeRequest};
use crate::error::rpc_error::ErrorInfo;
use crate::method::MethodInfo;
use crate::peer::Peer;
#[cfg(feature = "schema")]
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::runtime::Instant;

/// Records metrics of all calls, served and made, through the `metrics` facade. The program chooses the recorder.
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `rpc.server.call.duration` | histogram, seconds | `rpc.method`, `error.type` if it failed |
/// | `rpc.server.active_calls` | gauge | `rpc.method` |
/// | `rpc.server.refused_calls` | counter: requests for which no handler started | `rpc.method`, `error.type` |
/// | `rpc.client.call.duration` | histogram, seconds | `rpc.method`, `error.type` if it failed |
/// | `rpc.client.active_calls` | gauge | `rpc.method` |
///
/// All metrics have the label `rpc.system.name` = `jsonrpc`. Names and labels follow OpenTelemetry's conventions. An
/// exporter for Prometheus replaces the dots by underscores.
///
/// `error.type` is `busy`, `timeout`, `unanswered`, `cancelled`, `panicked`, `closed`, `encode`, `decode`, or the
/// code of the error. **A peer cannot choose a label**: a method that is not offered is `_OTHER`, and so is a code
/// that is neither reserved nor declared by the method. The metrics of made calls know no declared codes. Their
/// `rpc.method` is the name that this program calls, so do not call method names that a user has typed.
///
/// The time of a served call ends when its result is ready; the time of a subscription ends when its stream begins.
/// Figures for a whole server come from `ServerStats::record` of `rpc-server`.
///
/// ```
/// use rpc_core::layers::{Layers, Metrics};
/// use rpc_core::transport::EndpointConfig;
/// use rpc_core::{Limits, Router};
///
/// // The first layer is the outermost one, and counts the calls that other layers refuse.
/// let mut setup = EndpointConfig::new(Router::new(), Limits::server());
/// setup.layers = Layers::new().layer(Metrics::new());
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Metrics;

const SERVED: &str = "rpc.server.call.duration";
const SERVED_NOW: &str = "rpc.server.active_calls";
const REFUSED: &str = "rpc.server.refused_calls";
const CALLED: &str = "rpc.client.call.duration";
const CALLED_NOW: &str = "rpc.client.active_calls";

impl Metrics {
    /// The histogram bounds, in seconds, that OpenTelemetry's conventions ask for. An exporter uses its own bounds
    /// unless you give it these.
    pub const BUCKETS: [f64; 14] =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

    /// Creates the layer, and describes the metrics to the recorder. Install the recorder before.
    #[expect(clippy::new_without_default, reason = "it does something")]
    pub fn new() -> Self {
        describe_histogram!(SERVED, Unit::Seconds, "How long calls were served.");
        describe_gauge!(SERVED_NOW, Unit::Count, "Calls that are being served.");
        describe_counter!(REFUSED, Unit::Count, "Requests for which no handler started.");
        describe_histogram!(CALLED, Unit::Seconds, "How long calls took that this end made.");
        describe_gauge!(CALLED_NOW, Unit::Count, "Calls of this end without an answer.");
        Self
    }
}

fn labels(method: SharedString, error_type: Option<Cow<'static, str>>) -> Vec<Label> {
    let system = Label::from_static_parts("rpc.system.name", "jsonrpc");
    let method = Label::new("rpc.method", method);
    let error_type = error_type.map(|error_type| Label::new("error.type", error_type));
    [system, method].into_iter().chain(error_type).collect()
}

/// Counts a call as active from now until it ends, and then records its duration.
fn measured(
    (active, duration): (&'static str, &'static str),
    method: SharedString,
    deadline: Option<Instant>,
    declared: &'static [ErrorInfo],
) -> Ending<impl FnOnce(Ended)> {
    let active = gauge!(active, labels(method.clone(), None));
    active.increment(1);
    let start = Instant::now();
    Ending::new(deadline, move |ended: Ended| {
        active.decrement(1);
        let labels = labels(method, ended.label(declared));
        histogram!(duration, labels).record(start.elapsed());
    })
}

impl Layer for Metrics {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        let MethodInfo { name, errors, .. } = call.method();
        let names = (SERVED_NOW, SERVED);
        let ending = measured(names, name.clone().into(), call.cx().deadline(), errors);
        ending.around_handler(next.serve(call))
    }

    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        let method = SharedString::from(request.method().to_owned());
        let ending = measured((CALLED_NOW, CALLED), method, request.deadline(), &[]);
        ending.around_call(next.call(request))
    }

    fn refused(&self, _: &Peer, method: Option<&MethodInfo>, code: i64) {
        let name = method.map_or(Cow::Borrowed(OTHER), |method| method.name.clone());
        counter!(REFUSED, labels(name.into(), Ended::refused(code).label(&[]))).increment(1);
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, _: &Context, _: &MethodInfo) -> bool {
        true
    }
}
