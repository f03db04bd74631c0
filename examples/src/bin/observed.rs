//! Traces and metrics of both ends: spans of OpenTelemetry with an exporter that prints them as a tree,
//! and a page for Prometheus. A server calls its caller back, and all of that is one trace.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry::Value;
use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use rpc_client::Client;
use rpc_core::layers::{Metrics, Tracing};
use rpc_core::{Context, RpcError, service};
use rpc_server::Server;
use tracing_subscriber::layer::SubscriberExt;

#[service(namespace = "chat")]
trait Chat {
    async fn join(&self, cx: &Context, room: &str) -> Result<(), ChatError>;
}

#[service(namespace = "chatter")]
trait Chatter {
    async fn confirm(&self, question: &str) -> bool;
}

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
#[error("refused")]
#[rpc(code = 1001)]
struct ChatError;

struct Rooms;

impl Chat for Rooms {
    async fn join(&self, cx: &Context, room: &str) -> Result<(), ChatError> {
        let caller = ChatterClient::new(cx.peer());
        let sure = caller.confirm(&format!("join {room}?")).await;
        sure.unwrap_or(false).then_some(()).ok_or(ChatError)
    }
}

struct Me;

impl Chatter for Me {
    async fn confirm(&self, question: &str) -> bool {
        question == "join lobby?"
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exporter = Exporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("observed"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(spans))?;
    let page = PrometheusBuilder::new().set_buckets(&Metrics::BUCKETS)?.install_recorder()?;

    let server = Server::builder()
        .service(ChatServer::new(Rooms))
        .layer(Tracing::new())
        .layer(Metrics::new())
        .bind("127.0.0.1:0")
        .await?
        .spawn();
    let client = Client::builder()
        .service(ChatterServer::new(Me))
        .layer(Tracing::new())
        .layer(Metrics::new())
        .connect(server.url())
        .await?;

    let chat = ChatClient::new(client.peer());
    chat.join("lobby").await?;
    println!("the attic: {:?}", chat.join("attic").await);
    let unknown = client.peer().call::<()>("leave", ()).await;
    println!("leaving: {:?}", unknown.map_err(|error| error.to_string()));

    server.stats().record();
    client.close().await;
    server.shutdown(Duration::from_secs(5)).await;
    provider.shutdown()?;
    print!("{exporter}");
    let page = page.render();
    let mut lines: Vec<_> = page.lines().filter(|line| is_shown(line)).collect();
    lines.sort_unstable();
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// Buckets, sums and comments are many.
fn is_shown(line: &str) -> bool {
    !(line.is_empty() || line.starts_with('#') || line.contains("_bucket") || line.contains("_sum"))
}

/// Keeps the spans that have ended, where others would send them.
#[derive(Debug, Clone, Default)]
struct Exporter(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().expect("nobody panics here").extend(batch);
        Ok(())
    }
}

impl fmt::Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spans = self.0.lock().expect("nobody panics here").clone();
        spans.sort_by_key(|span| span.start_time);
        let mut traces = Vec::new();
        for trace in spans.iter().map(|span| span.span_context.trace_id()) {
            if !traces.contains(&trace) {
                traces.push(trace);
            }
        }
        for (trace, number) in traces.into_iter().zip(1..) {
            writeln!(f, "trace {number}")?;
            let spans = spans.iter().filter(|span| span.span_context.trace_id() == trace);
            tree(f, &spans.collect::<Vec<_>>(), SpanId::INVALID, 1)?;
        }
        Ok(())
    }
}

/// The spans within `parent`, each with its own.
fn tree(
    f: &mut fmt::Formatter<'_>,
    spans: &[&SpanData],
    parent: SpanId,
    depth: usize,
) -> fmt::Result {
    for span in spans.iter().filter(|span| span.parent_span_id == parent) {
        let kind = format!("{:?}", span.span_kind).to_lowercase();
        write!(f, "{:1$}{kind} {2}", "", 2 * depth, span.name)?;
        let error = span.attributes.iter().find(|attribute| attribute.key.as_str() == "error.type");
        if let Some(Value::String(error)) = error.map(|attribute| &attribute.value) {
            write!(f, ": {error}")?;
        }
        writeln!(f)?;
        tree(f, spans, span.span_context.span_id(), depth + 1)?;
    }
    Ok(())
}
