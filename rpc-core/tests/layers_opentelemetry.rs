//! Spans of `layers::Tracing` as a part of the traces that come and go with calls.

mod support;

use std::sync::{Arc, Mutex};

use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use rpc_core::layers::{Layers, Tracing};
use rpc_core::{Context, Peer, Router};
use serde_json::Value;
use support::Raw;
use tracing::Instrument;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[derive(Debug, Clone, Default)]
struct Exported(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Exported {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Exported {
    fn listen(sampler: Sampler) -> (Self, DefaultGuard) {
        let exported = Self::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(exported.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let guard = tracing::subscriber::set_default(Registry::default().with(layer));
        (exported, guard)
    }

    fn named(&self, name: &str) -> SpanData {
        let spans = self.0.lock().unwrap();
        spans.iter().find(|span| span.name == name).expect("it was exported").clone()
    }
}

fn connect(services: Router) -> (Raw, Peer) {
    Raw::connect_within(services, Layers::new().layer(Tracing::new()))
}

fn relay() -> Router {
    Router::new()
        .method("relay", |cx: Context, (): ()| async move {
            tokio::task::yield_now().await;
            Ok(cx.peer().call::<u8>("asked", ()).await?)
        })
        .method("spawn", |cx: Context, (): ()| async move {
            let peer = cx.peer();
            // Nothing of `tracing` goes along.
            let asked = cx.scope(async move { peer.call::<u8>("asked", ()).await });
            Ok(tokio::spawn(asked).await.unwrap()?)
        })
}

/// Has `method` served, which calls back; what that call took along.
async fn call_back(raw: &mut Raw, method: &str, beside: &str) -> Value {
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"{beside}}}"#)).await;
    let asked = serde_json::from_str(&raw.receive().await).unwrap();
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":9}"#).await;
    raw.receive().await;
    asked
}

fn came(flags: &str) -> String {
    format!(r#","traceparent":"00-{TRACE}-{CALLER}-{flags}","tracestate":"vendor=1""#)
}

#[tokio::test(start_paused = true)]
async fn a_served_call_continues_the_trace_of_its_caller_and_hands_it_on() {
    let (exported, _guard) = Exported::listen(Sampler::AlwaysOn);
    let (mut raw, _) = connect(relay());
    let asked = call_back(&mut raw, "relay", &came("01")).await;
    let (served, called) = (exported.named("relay"), exported.named("asked"));
    for span in [&served, &called] {
        assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    }
    assert_eq!(served.parent_span_id.to_string(), CALLER);
    assert_eq!(called.parent_span_id, served.span_context.span_id());
    let own = called.span_context.span_id();
    assert_eq!(asked["traceparent"], format!("00-{TRACE}-{own}-01"));
    assert_eq!(asked["tracestate"], "vendor=1");
}

#[tokio::test(start_paused = true)]
async fn a_call_from_nowhere_begins_a_trace() {
    let (exported, _guard) = Exported::listen(Sampler::AlwaysOn);
    let (mut raw, _) = connect(relay());
    let asked = call_back(&mut raw, "relay", "").await;
    let (served, called) = (exported.named("relay"), exported.named("asked"));
    assert_eq!(served.parent_span_id, SpanId::INVALID);
    assert_eq!(called.parent_span_id, served.span_context.span_id());
    let (trace, own) = (called.span_context.trace_id(), called.span_context.span_id());
    assert_eq!(asked["traceparent"], format!("00-{trace}-{own}-01"));
}

#[tokio::test(start_paused = true)]
async fn in_a_task_without_a_span_a_call_stays_in_the_trace_of_its_handler() {
    let (exported, _guard) = Exported::listen(Sampler::AlwaysOn);
    let (mut raw, _) = connect(relay());
    call_back(&mut raw, "spawn", &came("01")).await;
    let called = exported.named("asked");
    assert_eq!(called.span_context.trace_id().to_string(), TRACE);
    assert_eq!(called.parent_span_id.to_string(), CALLER);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_within_the_span_of_whoever_makes_it() {
    let (exported, _guard) = Exported::listen(Sampler::AlwaysOn);
    let (mut raw, peer) = connect(Router::new());
    let call = async { peer.call::<u8>("m", ()).await }.instrument(tracing::info_span!("job"));
    let answer = async {
        raw.receive().await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    };
    assert_eq!(tokio::join!(call, answer).0, Ok(1));
    assert_eq!(exported.named("m").parent_span_id, exported.named("job").span_context.span_id());
}

#[tokio::test(start_paused = true)]
async fn what_a_caller_does_not_record_is_not_recorded_here_and_says_so_to_the_next() {
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let (exported, _guard) = Exported::listen(sampler);
    let (mut raw, _) = connect(relay());
    let asked = call_back(&mut raw, "relay", &came("00")).await;
    let parent = asked["traceparent"].as_str().unwrap();
    assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-00"), "{parent}");
    assert!(exported.0.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_makes_traces_the_callers_is_passed_on() {
    let _guard = tracing::subscriber::set_default(Registry::default());
    let (mut raw, _) = connect(relay());
    let asked = call_back(&mut raw, "relay", &came("01")).await;
    assert_eq!(asked["traceparent"], format!("00-{TRACE}-{CALLER}-01"));
    assert!(call_back(&mut connect(relay()).0, "relay", "").await["traceparent"].is_null());
}
