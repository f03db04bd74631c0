#!/usr/bin/env bash
# crate jsonrpsee 0.26.1, its server and its WebSocket client with each other (tokio 1.54.1).
#
# One would guess: a server that refuses one message (a batch of more calls than it allows, or a request that is larger
# than it allows, 10 MiB by default) fails that message alone, above all when both ends are the same library.
#
# What is: the server answers both by an error with id null, as JSON-RPC wants it for what it cannot name. The client takes an answer
# whose id it has not given out for a broken server: it ends the connection (with 1000, "normal"). Every other call that is open
# fails with "The background task closed request ID=null is not a pending call; restart required", every subscription's stream
# ends, and so does every later call: the client never connects again. The reason that the server gave (code and message of
# the refusal) is nowhere to be seen. By default the client sends batches of any length, and requests up to the same 10 MiB.
#
# For a server of any make: whatever it sends under id null or under an id that is not open ends a jsonrpsee client with
# all its calls; so does an answer that comes twice. To refuse a batch, answer each of its calls instead.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "trial"
version = "0.0.0"
edition = "2021"
[dependencies]
jsonrpsee = { version = "=0.26.1", default-features = false, features = ["server", "ws-client"] }
serde_json = "=1.0.154"
tokio = { version = "=1.54.1", features = ["macros", "rt", "time"] }
[profile.dev]
debug = false
TOML
cat > src/main.rs <<'RUST'
use std::{sync::Arc, time::Duration};

use jsonrpsee::core::client::{ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::core::params::BatchRequestBuilder;
use jsonrpsee::rpc_params;
use jsonrpsee::server::{BatchRequestConfig, RpcModule, ServerBuilder, ServerConfig};
use jsonrpsee::ws_client::WsClientBuilder;

const ENDED: &str = "The background task closed request ID=null is not a pending call; restart required";

fn said<T>(result: Result<T, Error>) -> String {
    result.map_or_else(|e| e.to_string(), |_| "answered".to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let limits = ServerConfig::builder()
        .set_batch_request_config(BatchRequestConfig::Limit(10))
        .max_request_body_size(100_000)
        .build();
    let server = ServerBuilder::new().set_config(limits).build("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", server.local_addr().unwrap());
    let mut module = RpcModule::new(());
    module.register_method("len", |params, _, _| params.one::<String>().map(|text| text.len())).unwrap();
    module
        .register_async_method("slow", |_, _, _| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            "done"
        })
        .unwrap();
    module
        .register_subscription("ticks", "tick", "no_ticks", |_, pending, _, _| async move {
            let sink = pending.accept().await?;
            while sink.send(serde_json::value::to_raw_value(&1).unwrap()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        })
        .unwrap();
    let _running = server.start(module);

    let mut changed = false;
    for refused in ["nothing", "a batch of 11 calls where 10 are allowed", "a request of 200 kB where 100 kB are allowed"] {
        let client = Arc::new(WsClientBuilder::default().build(&url).await.unwrap());
        let mut ticks: Subscription<u64> = client.subscribe("ticks", rpc_params![], "no_ticks").await.unwrap();
        let other = Arc::clone(&client);
        let other = tokio::spawn(async move { said(other.request::<String, _>("slow", rpc_params![]).await) });
        tokio::time::sleep(Duration::from_millis(200)).await;
        let own = if refused.contains("batch") {
            let mut batch = BatchRequestBuilder::new();
            for _ in 0..11 {
                batch.insert("len", rpc_params!["a"]).unwrap();
            }
            said(client.batch_request::<usize>(batch).await)
        } else {
            let text = "a".repeat(if refused == "nothing" { 1 } else { 200_000 });
            said(client.request::<usize, _>("len", rpc_params![text]).await)
        };
        let other = other.await.unwrap();
        let mut seen = 0;
        let stream = loop {
            match tokio::time::timeout(Duration::from_secs(2), ticks.next()).await {
                Ok(Some(_)) if seen > 50 => break "goes on",
                Ok(Some(_)) => seen += 1,
                Ok(None) => break "has ended",
                Err(_) => break "is mute",
            }
        };
        let next = said(client.request::<usize, _>("len", rpc_params!["a"]).await);
        println!("refused: {refused}\n  that call: {own}\n  another call: {other}\n  a subscription: {stream}\n  a call after it: {next}");
        let (call, stream_is) = if refused == "nothing" { ("answered", "goes on") } else { (ENDED, "has ended") };
        changed |= [&own, &other, &next].iter().any(|said| *said != call) || stream != stream_is;
    }
    if changed {
        println!("CHANGED");
        std::process::exit(1);
    }
}
RUST
export CARGO_TARGET_DIR=$dir/target
cargo fetch --quiet || { echo "could not fetch the crates"; exit 2; }
cargo build --quiet || { echo "could not build with the crates"; exit 2; }
echo "jsonrpsee 0.26.1, tokio 1.54.1"
timeout 60 target/debug/trial
