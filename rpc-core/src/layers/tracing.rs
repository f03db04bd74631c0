//! A layer that makes a span for each call.

use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::outcome_label::{Ended, Ending};
use super::{CallFuture, CallNext, CallRequest, Layer, ServeNext, ServeRequest};
#[cfg(feature = "schema")]
use crate::method::MethodInfo;
#[cfg(feature = "schema")]
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::util::chain::Chain;
use crate::util::escaped::Escaped;

/// Makes one `tracing` span for each call, served or made. The span is entered whenever the call is polled, so log
/// events of a handler, and the calls that it makes, are inside its span.
///
/// Spans are called `call`, and have the level `INFO` and the target `rpc_core::call`. Where that level or target is
/// turned off, the layer costs nothing. A subscriber such as `fmt` shows spans only as the context of events. To log
/// each call, use [`AccessLog`](super::AccessLog).
///
/// The fields of a span follow OpenTelemetry's conventions for JSON-RPC:
///
/// | field | value |
/// |---|---|
/// | `otel.kind` | `server` for a served call, `client` for a made call |
/// | `otel.name`, `rpc.method` | the method |
/// | `rpc.system.name`, `jsonrpc.protocol.version` | `jsonrpc`, `2.0` |
/// | `peer` | the [id](crate::Peer::id) of the connection |
/// | `error.type` | for a failed call: the code, or one of `busy`, `timeout`, `unanswered`, `cancelled`, `panicked`, `closed`, `encode`, `decode` |
/// | `rpc.response.status_code` | the code in the answer, if the answer is an error |
/// | `otel.status_code` | `OK` or `ERROR` |
/// | `otel.status_description` | the message of the error, if [asked for](Self::messages) |
///
/// No field holds params or results. A request that is refused before its handler is found has no span.
///
/// # Traces
///
/// The [`TraceContext`](crate::TraceContext) of a received call is passed on with the calls that its handler makes,
/// also without this layer. With the feature `opentelemetry`, and the layer of `tracing-opentelemetry` in the
/// program, spans become part of that trace: the span of a served call has the caller's span as its parent, and a
/// made call sends its own span to the peer. The parent of a made call's span is the current span. A task that was
/// spawned without `Instrument` has no current span; the span of its call then has the same parent as the span of the
/// handler.
///
/// ```
/// use rpc_core::layers::{Layers, Tracing};
/// use rpc_core::transport::EndpointConfig;
/// use rpc_core::{Limits, Router};
///
/// // The first layer is the outermost one, and sees the calls that other layers refuse.
/// let mut setup = EndpointConfig::new(Router::new(), Limits::server());
/// setup.layers = Layers::new().layer(Tracing::new());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tracing {
    messages: bool,
}

impl Tracing {
    /// Creates a layer whose spans hold no error messages.
    pub const fn new() -> Self {
        Self { messages: false }
    }

    /// Adds the messages of errors to the spans. A message may repeat a part of the params, or may be chosen by the
    /// peer.
    #[must_use]
    pub const fn messages(mut self) -> Self {
        self.messages = true;
        self
    }
}

fn span(kind: &'static str, name: &str, method: &str, peer: &str) -> Span {
    tracing::info_span!(
        target: "rpc_core::call",
        "call",
        "otel.kind" = kind,
        "otel.name" = name,
        "otel.status_code" = Empty,
        "otel.status_description" = Empty,
        "rpc.system.name" = "jsonrpc",
        "rpc.method" = method,
        "rpc.response.status_code" = Empty,
        "jsonrpc.protocol.version" = "2.0",
        "error.type" = Empty,
        peer,
    )
}

fn record(span: &Span, ended: Ended, code: Option<i64>) {
    if let Some(code) = code {
        span.record("rpc.response.status_code", code.to_string());
    }
    let error_type = ended.error_type();
    span.record("otel.status_code", if error_type.is_some() { "ERROR" } else { "OK" });
    if let Some(error_type) = error_type {
        span.record("error.type", &*error_type);
    }
}

impl Layer for Tracing {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        // The name of a span must be one of few names, and for a fallback the peer chooses the name of the method.
        let name = &*call.method().name;
        let called = call.cx().called().map(|called| Escaped(called).to_string());
        let span = span("server", name, called.as_deref().unwrap_or(name), call.cx().peer().id());
        if span.is_disabled() {
            return next.serve(call);
        }
        #[cfg(feature = "opentelemetry")]
        otel::set_parent(&span, call.cx().trace());
        let (messages, ends) = (self.messages, span.clone());
        let ending = Ending::new(call.cx().deadline(), move |ended: Ended| {
            record(&ends, ended, ended.code());
        });
        let handler = span.in_scope(|| next.serve(call));
        Handler::from_future(async move {
            let outcome = handler.instrument(span.clone()).await;
            if let Some(error) = outcome.error().filter(|_| messages) {
                span.record("otel.status_description", Escaped(&error.message).to_string());
            }
            ending.tell(Ended::from(&outcome));
            outcome
        })
    }

    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        let span = span("client", request.method(), request.method(), request.peer().id());
        if span.is_disabled() {
            return next.call(request);
        }
        #[cfg(feature = "opentelemetry")]
        let request = otel::take_along(&span, request);
        let (messages, ends) = (self.messages, span.clone());
        let ending = Ending::new(request.deadline(), move |ended: Ended| {
            // Any other failure may come from this side, without an answer of the peer.
            let code = if let Ended::Error(code) = ended { Some(code) } else { None };
            record(&ends, ended, code);
        });
        let future = span.in_scope(|| next.call(request));
        CallFuture::from_future(async move {
            let answer = future.instrument(span.clone()).await;
            if let Err(error) = &answer
                && messages
            {
                span.record("otel.status_description", Chain(error).to_string());
            }
            ending.tell(Ended::from(&answer));
            answer
        })
    }

    #[cfg(feature = "schema")]
    fn shows_offers(&self, _: &Context, _: &MethodInfo) -> bool {
        true
    }
}

/// Converts a trace on the wire to a trace of OpenTelemetry, and back.
#[cfg(feature = "opentelemetry")]
mod otel {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    use super::CallRequest;
    use crate::wire::trace::TraceContext;

    /// Makes `trace` the parent of `span`.
    pub(super) fn set_parent(span: &Span, trace: Option<&TraceContext>) {
        if let Some(parent) = trace.and_then(read) {
            // This fails where nobody exports spans. Nobody misses the parent then.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
    }

    /// Makes the peer continue the trace at `span`.
    pub(super) fn take_along(span: &Span, mut request: CallRequest) -> CallRequest {
        if request.trace().is_some() && !Span::current().context().has_active_span() {
            set_parent(span, request.trace());
        }
        if let Some(trace) = write(span.context().span().span_context()) {
            request.set_trace(trace);
        }
        request
    }

    fn read(trace: &TraceContext) -> Option<SpanContext> {
        let trace_id = TraceId::from_hex(trace.trace_id()).ok()?;
        let span_id = SpanId::from_hex(trace.parent_id()).ok()?;
        let flags = if trace.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let state = trace.tracestate().and_then(|state| state.parse::<TraceState>().ok());
        Some(SpanContext::new(trace_id, span_id, flags, true, state.unwrap_or_default()))
    }

    /// Returns `None` if the program makes no spans of OpenTelemetry.
    fn write(span: &SpanContext) -> Option<TraceContext> {
        let flags = u8::from(span.is_sampled());
        let parent = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
        // All zeros mean no trace. `TraceContext` refuses them too.
        TraceContext::new(&parent, Some(&span.trace_state().header())).ok()
    }
}
