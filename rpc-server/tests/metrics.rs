//! The numbers of a server, for the `metrics` facade.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use rpc_client::Client;
use rpc_core::Router;
use rpc_server::Server;

#[tokio::test]
async fn what_a_server_has_and_has_counted_is_recorded() {
    let server = Server::builder().service(Router::new()).bind("127.0.0.1:0").await.unwrap();
    let server = server.spawn();
    let gone = Client::builder().connect(server.url()).await.unwrap();
    gone.close().await;
    support::until(|| server.stats().connections == 0).await;
    let client = Client::builder().connect(server.url()).await.unwrap();
    server.peers()[0].join_group("room").unwrap();
    let mut raw = support::Raw::open(&server).await;
    raw.send_text(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"for nobody"}}"#).await;
    support::until(|| server.stats().unaddressed == 1).await;

    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || server.stats().record());
    let metrics = recorder.snapshotter().snapshot().into_vec().into_iter();
    let metrics = metrics.map(|(key, _, _, value)| {
        let labels = key.key().labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let value = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Gauge(value) => *value as u64,
            DebugValue::Histogram(_) => panic!("there is none"),
        };
        (key.key().name().to_owned() + &labels.collect::<String>(), value)
    });
    let metrics: BTreeMap<_, _> = metrics.collect();
    let expected = [
        ("rpc.server.closed_connections code=1000", 1),
        ("rpc.server.connections", 2),
        ("rpc.server.detached", 0),
        ("rpc.server.dropped", 0),
        ("rpc.server.groups", 1),
        ("rpc.server.idempotency_bytes", 0),
        ("rpc.server.idempotent_running", 0),
        ("rpc.server.in_flight", 0),
        ("rpc.server.malformed", 0),
        ("rpc.server.pending", 0),
        ("rpc.server.queue_bytes", 0),
        ("rpc.server.refused_connections", 0),
        ("rpc.server.skipped", 0),
        ("rpc.server.stopped_notifications", 0),
        ("rpc.server.stray", 0),
        ("rpc.server.guests", 0),
        ("rpc.server.subscriptions", 0),
        ("rpc.server.unaddressed", 1),
    ];
    assert_eq!(metrics, expected.map(|(name, value)| (name.to_owned(), value)).into());
    drop(client);
    server.shutdown(Duration::from_secs(1)).await;
}
