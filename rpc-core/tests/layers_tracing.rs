//! A span for each call, by `layers::Tracing`.

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::layers::{Concurrency, Layers, Tracing};
use rpc_core::{Context, ErrorObject, Peer, Router, Service};
use support::Raw;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context as Spans, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The spans that were closed: their fields, and those of the span that each was within.
#[derive(Clone, Default)]
struct Closed(Arc<Mutex<Vec<Fields>>>);

#[derive(Clone, Default)]
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Closed {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, spans: Spans<'_, S>) {
        let span = spans.span(id).unwrap();
        let mut fields = Fields::default();
        if let Some(parent) = span.parent() {
            let within = parent.extensions().get::<Fields>().unwrap().get("rpc.method").to_owned();
            fields.0.insert("within".into(), within);
        }
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, spans: Spans<'_, S>) {
        values.record(spans.span(id).unwrap().extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &tracing::Event<'_>, spans: Spans<'_, S>) {
        if let Some(span) = spans.event_span(event)
            && event.metadata().target() == "said"
        {
            let mut extensions = span.extensions_mut();
            extensions.get_mut::<Fields>().unwrap().0.insert("said".into(), "yes".into());
        }
    }

    fn on_close(&self, id: Id, spans: Spans<'_, S>) {
        let fields = spans.span(&id).unwrap().extensions().get::<Fields>().unwrap().clone();
        self.0.lock().unwrap().push(fields);
    }
}

impl Closed {
    fn listen() -> (Self, DefaultGuard) {
        let closed = Self::default();
        let guard = tracing::subscriber::set_default(Registry::default().with(closed.clone()));
        (closed, guard)
    }

    fn take(&self) -> Vec<Fields> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Kind, method, `error.type` and code of each.
    fn outcomes(&self) -> Vec<String> {
        let spans = self.take();
        let fields = ["otel.kind", "rpc.method", "error.type", "rpc.response.status_code"];
        spans.iter().map(|span| fields.map(|name| span.get(name)).join(" ").trim().into()).collect()
    }
}

fn within(services: impl Service, tracing: Tracing) -> (Raw, Peer) {
    Raw::connect_within(Router::new().service(services), Layers::new().layer(tracing))
}

fn panics() -> Result<(), ErrorObject> {
    panic!("as a test")
}

fn services() -> Router {
    Router::new()
        .method("echo", |_: Context, (text,): (String,)| async move {
            tokio::task::yield_now().await;
            tracing::info!(target: "said", "after an await");
            Ok(text)
        })
        .method("fail", |_: Context, (code,): (i64,)| async move {
            Err::<(), _>(ErrorObject::new(code, "a secret"))
        })
        .method("panic", |_: Context, (): ()| async { panics() })
        .method("panic_late", |_: Context, (): ()| async {
            tokio::task::yield_now().await;
            panics()
        })
        .method("sleep", |_: Context, (): ()| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(())
        })
        .method("relay", |cx: Context, (): ()| async move {
            tokio::task::yield_now().await;
            Ok(cx.peer().call::<u8>("asked", ()).await?)
        })
        .notification("note", |_: Context, _: (u8,)| async {})
}

#[tokio::test(start_paused = true)]
async fn a_span_says_what_the_conventions_want_and_nothing_of_the_params() {
    let (closed, _guard) = Closed::listen();
    let (mut raw, peer) = within(services(), Tracing::new());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["private"]}
<-- {"jsonrpc":"2.0","id":1,"result":"private"}
"#,
    )
    .await;
    let [span] = &closed.take()[..] else { panic!("one span") };
    let expected = [
        ("jsonrpc.protocol.version", "2.0"),
        ("otel.kind", "server"),
        ("otel.name", "echo"),
        ("otel.status_code", "OK"),
        ("peer", peer.id()),
        ("rpc.method", "echo"),
        ("rpc.system.name", "jsonrpc"),
        ("said", "yes"), // which was logged in it
    ];
    let fields = span.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(fields.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_span_says_how_a_served_call_ended() {
    let (closed, _guard) = Closed::listen();
    let (mut raw, _) = within(services().layer(Concurrency::new(1).waiting(0)), Tracing::new());
    raw.play(
        r#"
--> [{"jsonrpc":"2.0","id":1,"method":"fail","params":[7]},{"jsonrpc":"2.0","method":"note","params":[1]},{"jsonrpc":"2.0","id":2,"method":"fail","params":["private"]}]
<-- [{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"a secret"}},{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"parameter 1: invalid type: string \"private\", expected i64","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"invalid type: string \"private\", expected i64"}]}}}]
--> {"jsonrpc":"2.0","id":1,"method":"panic"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":1,"method":"panic_late"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":1,"method":"sleep"}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":["x"]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32009,"message":"busy: not executed, `concurrency` is reached","data":{"kind":"busy"}}}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
--> {"jsonrpc":"2.0","id":1,"method":"sleep","timeoutMs":10}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
--> {"jsonrpc":"2.0","id":1,"method":"unknown"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no method `unknown`"}}
"#,
    )
    .await;
    assert_eq!(
        closed.outcomes(),
        [
            "server fail 7 7",
            "server note",
            "server fail -32602 -32602",
            "server panic panicked -32603",
            "server panic_late panicked -32603",
            "server echo busy -32009",
            "server sleep cancelled",
            "server sleep timeout -32012",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn messages_of_errors_are_told_only_if_asked_for() {
    let (closed, _guard) = Closed::listen();
    let mut told = Vec::new();
    for tracing in [Tracing::new(), Tracing::new().messages()] {
        let (mut raw, peer) = within(services(), tracing);
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"fail","params":[7]}"#).await;
        raw.receive().await;
        let call = peer.call::<()>("there", ()).start();
        raw.receive().await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"mine"}}"#).await;
        assert!(call.await.is_err());
        for span in closed.take() {
            assert_eq!(span.get("otel.status_code"), "ERROR");
            told.push(span.get("otel.status_description").to_owned());
        }
    }
    assert!(told[..3] == ["", "", "a secret"] && told[3].contains("mine"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_span_says_how_a_call_ended() {
    let (closed, _guard) = Closed::listen();
    let (mut raw, peer) = within(Router::new(), Tracing::new());
    let answers = [
        r#""result":1"#,
        r#""error":{"code":5,"message":"no"}"#,
        r#""error":{"code":-32009,"message":"m","data":{"kind":"busy"}}"#,
        r#""error":{"code":-32012,"message":"m","data":{"kind":"deadline"}}"#,
    ];
    for (answer, id) in answers.into_iter().zip(1..) {
        let call = peer.call::<u8>("m", ()).start();
        raw.receive().await;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#)).await;
        let _ = call.await;
    }
    let _ = peer.call::<u8>("m", ()).timeout(Duration::from_millis(10)).await;
    drop(peer.call::<u8>("m", ()).start());
    peer.notify("n", ()).await.unwrap();
    let batch = peer.batch();
    let members = [batch.call::<u8>("b", ()), batch.call::<u8>("b", ())];
    batch.send().await.unwrap();
    let ended = peer.call::<u8>("m", ()).start();
    raw.close().await;
    let _ = ended.await;
    for member in members {
        let _ = member.await;
    }
    assert_eq!(
        closed.outcomes(),
        [
            "client m",
            "client m 5 5",
            "client m busy",
            "client m timeout",
            "client m timeout",
            "client m cancelled",
            "client n",
            "client m closed",
            "client b closed",
            "client b closed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_calls_is_within_its_span() {
    let (closed, _guard) = Closed::listen();
    let (mut raw, _) = within(services(), Tracing::new());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"relay","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
<-- {"jsonrpc":"2.0","id":1,"method":"asked","timeoutMs":30000,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
--> {"jsonrpc":"2.0","id":1,"result":9}
<-- {"jsonrpc":"2.0","id":1,"result":9}
"#,
    )
    .await;
    let spans = closed.take();
    let of = |span: &Fields| (span.get("rpc.method").to_owned(), span.get("within").to_owned());
    let spans: Vec<_> = spans.iter().map(of).collect();
    assert_eq!(spans, [("asked".into(), "relay".into()), ("relay".into(), String::new())]);
}
