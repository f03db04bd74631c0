//! What calls came to, and how long they took, by `layers::Metrics`.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use metrics::LocalRecorderGuard;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use rpc_core::layers::{Concurrency, Layers, Metrics};
use rpc_core::schema::{ErrorInfo, MethodInfo, MethodKind};
use rpc_core::types::{Handler, Params};
use rpc_core::{Context, ErrorObject, Peer, Router, Service};
use support::Raw;

/// Metrics, each as `name method error.type`.
struct Recorded {
    snapshotter: Snapshotter,
    /// A snapshot tells what is new since the one before.
    until_now: RefCell<BTreeMap<String, (f64, Vec<f64>)>>,
}

impl Recorded {
    /// Records what this thread does.
    fn begin() -> (Self, LocalRecorderGuard<'static>) {
        let recorder = Box::leak(Box::<DebuggingRecorder>::default());
        let snapshotter = recorder.snapshotter();
        let guard = metrics::set_default_local_recorder(recorder);
        (Self { snapshotter, until_now: RefCell::default() }, guard)
    }

    /// The values; of a histogram whole seconds.
    fn values(&self) -> BTreeMap<String, String> {
        let mut until_now = self.until_now.borrow_mut();
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let key = key.key();
            let label = |name| key.labels().find(|label| label.key() == name).map(|it| it.value());
            assert_eq!(label("rpc.system.name"), Some("jsonrpc"));
            let labels = [label("rpc.method"), label("error.type")].map(Option::unwrap_or_default);
            let name = format!("{} {}", key.name(), labels.join(" ")).trim().to_owned();
            let (sum, list) = until_now.entry(name).or_default();
            match value {
                DebugValue::Counter(count) => *sum += count as f64,
                DebugValue::Gauge(value) => *sum += *value,
                DebugValue::Histogram(values) => list.extend(values.iter().map(|it| it.round())),
            }
        }
        let text = until_now.iter().map(|(name, (sum, list))| {
            let list: Vec<_> = list.iter().map(f64::to_string).collect();
            (name.clone(), if list.is_empty() { sum.to_string() } else { list.join(",") })
        });
        text.collect()
    }

    fn check(&self, expected: &[(&str, &str)]) {
        let recorded = self.values();
        let recorded: Vec<_> = recorded.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(recorded, expected);
    }
}

/// A service that declares an error, as generated ones do.
struct Declares([MethodInfo; 1]);

impl Declares {
    const ERRORS: &[ErrorInfo] = &[ErrorInfo::new(7, "Full")];

    fn new() -> Self {
        Self([MethodInfo::new("fail", MethodKind::Request).with_errors(Self::ERRORS)])
    }
}

impl Service for Declares {
    fn methods(&self) -> &[MethodInfo] {
        &self.0
    }

    fn call(&self, _: usize, _: &Context, params: Params<'_>) -> Handler {
        let (code,): (i64,) = serde_json::from_str(params.as_str().unwrap()).unwrap();
        Handler::error(ErrorObject::new(code, "no"))
    }
}

fn panics() -> Result<(), ErrorObject> {
    panic!("as a test")
}

fn services() -> Router {
    Router::new()
        .service(Declares::new())
        .method("sleep", |_: Context, (seconds,): (u64,)| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(())
        })
        .method("panic", |_: Context, (): ()| async { panics() })
        .notification("note", |_: Context, _: (u8,)| async {})
}

fn within(services: impl Service) -> (Raw, Peer) {
    Raw::connect_within(Router::new().service(services), Layers::new().layer(Metrics::new()))
}

#[tokio::test(start_paused = true)]
async fn a_served_call_is_measured_by_method_and_outcome() {
    let (recorded, _guard) = Recorded::begin();
    let (mut raw, _) = within(services().layer(Concurrency::new(1).waiting(0).only(["sleep"])));
    let send = async |raw: &mut Raw, id: u8, rest: &str| {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#)).await;
    };
    send(&mut raw, 1, r#""method":"sleep","params":[3]"#).await;
    send(&mut raw, 2, r#""method":"sleep","params":[4]"#).await;
    assert!(raw.receive().await.contains("-32009"));
    assert_eq!(recorded.values()["rpc.server.active_calls sleep"], "1");
    raw.receive().await;
    send(&mut raw, 1, r#""method":"sleep","params":[9]"#).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#).await;
    raw.receive().await;
    send(&mut raw, 1, r#""method":"sleep","params":[9],"timeoutMs":5000"#).await;
    raw.receive().await;
    send(&mut raw, 1, r#""method":"panic""#).await;
    raw.receive().await;
    raw.send(
        r#"[{"jsonrpc":"2.0","id":1,"method":"sleep","params":[0]},{"jsonrpc":"2.0","method":"note","params":[1]},{"jsonrpc":"2.0","id":2,"method":"sleep","params":[""]}]"#,
    )
    .await;
    raw.receive().await;
    recorded.check(&[
        ("rpc.server.active_calls note", "0"),
        ("rpc.server.active_calls panic", "0"),
        ("rpc.server.active_calls sleep", "0"),
        ("rpc.server.call.duration note", "0"),
        ("rpc.server.call.duration panic panicked", "0"),
        ("rpc.server.call.duration sleep", "3,0"),
        ("rpc.server.call.duration sleep -32602", "0"),
        ("rpc.server.call.duration sleep busy", "0"),
        ("rpc.server.call.duration sleep cancelled", "2"),
        ("rpc.server.call.duration sleep timeout", "5"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn no_label_is_chosen_by_a_peer() {
    let (recorded, _guard) = Recorded::begin();
    let (mut raw, peer) = within(services());
    for n in 0..20 {
        for (method, params) in [(&*format!("m{n}"), n), ("fail", 7), ("fail", 1000 + n)] {
            raw.send(&format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{params}]}}"#
            ))
            .await;
            raw.receive().await;
        }
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"fail","params":[1],"timeoutMs":0}"#).await;
        raw.receive().await;
        let call = peer.call::<()>("there", ()).start();
        raw.receive().await;
        let (id, code) = (n + 1, 2000 + n);
        raw.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"m{n}"}}}}"#
        ))
        .await;
        assert!(call.await.is_err());
    }
    let zeros = ["0"; 20].join(",");
    recorded.check(&[
        ("rpc.client.active_calls there", "0"),
        ("rpc.client.call.duration there _OTHER", &zeros),
        ("rpc.server.active_calls fail", "0"),
        ("rpc.server.call.duration fail 7", &zeros),
        ("rpc.server.call.duration fail _OTHER", &zeros),
        ("rpc.server.refused_calls _OTHER -32601", "20"),
        ("rpc.server.refused_calls fail timeout", "20"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_a_fallback_serves_is_measured_as_one_method() {
    let (recorded, _guard) = Recorded::begin();
    let fallback = Router::new().fallback(|_, _, _| std::future::ready(Ok(())));
    let (mut raw, _) = within(fallback);
    for n in 0..3 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m{n}"}}"#)).await;
        raw.receive().await;
    }
    recorded.check(&[("rpc.server.active_calls *", "0"), ("rpc.server.call.duration *", "0,0,0")]);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_measured_until_its_answer_or_its_end() {
    let (recorded, _guard) = Recorded::begin();
    let (mut raw, peer) = within(Router::new());
    let call = peer.call::<u8>("m", ()).start();
    raw.receive().await;
    assert_eq!(recorded.values()["rpc.client.active_calls m"], "1");
    tokio::time::sleep(Duration::from_secs(2)).await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    assert_eq!(call.await, Ok(1));
    let late = peer.call::<u8>("m", ()).timeout(Duration::from_secs(3)).await;
    assert!(late.is_err());
    drop(peer.call::<u8>("m", ()).start());
    peer.notify("n", ()).await.unwrap();
    let batch = peer.batch();
    let member = batch.call::<u8>("b", ());
    batch.send().await.unwrap();
    raw.close().await;
    assert!(member.await.is_err());
    recorded.check(&[
        ("rpc.client.active_calls b", "0"),
        ("rpc.client.active_calls m", "0"),
        ("rpc.client.active_calls n", "0"),
        ("rpc.client.call.duration b closed", "0"),
        ("rpc.client.call.duration m", "2"),
        ("rpc.client.call.duration m cancelled", "0"),
        ("rpc.client.call.duration m timeout", "3"),
        ("rpc.client.call.duration n", "0"),
    ]);
}
