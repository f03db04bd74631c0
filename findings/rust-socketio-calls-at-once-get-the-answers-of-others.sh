#!/usr/bin/env bash
# crate rust_socketio 0.6.0, its asynchronous client over WebSocket alone; npm socket.io 4.8.4 with its defaults as the server. Needs Rust, Node and
# OpenSSL's headers; builds some minutes.
#
# One would guess: each `emit_with_ack` gets its own answer, however many wait at once, as each has an id; and one whose answer does not
# come is told so at its timeout.
#
# What is: the id is drawn at random below 999, and nothing looks whether it is taken. So of 300 that wait at once some 40 share an id with
# another. Then the first answer goes to both, one of them hears what the other has asked for (a success, of the right type), and the second goes to nobody, or to
# one more that is not concerned: as two are taken out of the list by their places, one after the other, the second place is another's by then, and that
# one never hears anything. If the place is behind the end of the list, the task of the client ends, and all who wait hear nothing. No timeout tells any of
# them: the callback is called for an answer and for nothing else. With 30 at once it happens in about one run of three, one at a time never.
#
# For a user: wait for each answer before the next `emit_with_ack`, put what was asked into the answer and compare, and keep the time yourself.
set -euo pipefail
dir=$(mktemp -d); server=; trap '[ -z "$server" ] || kill $server 2>/dev/null || :; wait || :; rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts socket.io@4.8.4 || { echo "could not install socket.io"; exit 2; }
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "trial"
version = "0.0.0"
edition = "2021"
[dependencies]
futures-util = { version = "0.3", default-features = false, features = ["alloc"] }
rust_socketio = { version = "=0.6.0", features = ["async"] }
serde_json = "1"
tokio = { version = "1", features = ["macros", "rt-multi-thread", "time", "sync"] }
[profile.dev]
debug = false
TOML
cat > server.cjs <<'JS'
const { Server } = require('socket.io');
const { createServer } = require('http');
const http = createServer();
const io = new Server(http);
io.on('connection', socket => socket.on('echo', (value, answer) => setTimeout(() => answer(value), 500)));
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
JS
cat > src/main.rs <<'RUST'
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Payload, TransportType};
use tokio::time::sleep;

/// Asks `count` times at once. Returns how often the answer was another one's, and how many got none.
async fn ask(client: &Client, count: i64) -> (usize, usize) {
    let heard: Arc<Mutex<HashMap<i64, Vec<i64>>>> = Arc::default();
    for asked in 0..count {
        let heard = heard.clone();
        let answered = move |payload: Payload, _: Client| {
            if let Payload::Text(values) = &payload {
                let mut value = &values[0];
                while let Some(inner) = value.get(0) {
                    value = inner;
                }
                heard.lock().unwrap().entry(asked).or_default().extend(value.as_i64());
            }
            async {}.boxed()
        };
        client.emit_with_ack("echo", serde_json::json!(asked), Duration::from_secs(10), answered).await.unwrap();
    }
    sleep(Duration::from_secs(3)).await;
    let heard = heard.lock().unwrap();
    let wrong = heard.iter().map(|(asked, answers)| answers.iter().filter(|answer| *answer != asked).count()).sum();
    (wrong, count as usize - heard.len())
}

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let client = ClientBuilder::new(url).transport_type(TransportType::Websocket).connect().await.unwrap();
    sleep(Duration::from_millis(500)).await;
    for _ in 0..3 {
        let (wrong, without) = ask(&client, 1).await;
        println!("1 at once: {wrong} answers of another, {without} without an answer");
    }
    for count in [30, 300] {
        let (wrong, without) = ask(&client, count).await;
        println!("{count} at once: {wrong} answers of another, {without} without an answer");
    }
    std::process::exit(0);
}
RUST
export CARGO_TARGET_DIR=$dir/target
cargo fetch --quiet || { echo "could not fetch the crates"; exit 2; }
cargo build --quiet || { echo "could not build with the crates"; exit 2; }
node server.cjs > port & server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.2; done
echo "rust_socketio 0.6.0, socket.io 4.8.4"
timeout 120 target/debug/trial "http://127.0.0.1:$(cat port)" 2> errors | tee seen
[ "$(grep -c '^1 at once: 0 answers of another, 0 without an answer$' seen)" = 3 ] || { echo "CHANGED: one at a time is not answered"; exit 1; }
grep -q '^300 at once: [1-9][0-9]* answers of another, [1-9][0-9]* without an answer$' seen || { echo "CHANGED: each of 300 gets its own answer"; exit 1; }
