//! The WebSocket under a connection, in both roles, fed with frames or with any bytes, in pieces of any size:
//! the connection ends, its calls are resolved, and nothing is left.

use std::time::Duration;

use bytes::Bytes;
use rpc_core::Limits;
use rpc_core::transport::{Role, WebSocket};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

use crate::{exchange, frames};

/// The first byte says in which role, and whether the rest are frames or bytes as they come.
pub fn check(input: &[u8]) {
    let [way, input @ ..] = input else { return };
    let role = if way & 1 == 0 { Role::Server } else { Role::Client };
    let bytes = match way & 2 {
        0 => frames::of(input, role == Role::Server),
        _ => input.to_vec(),
    };
    let chunk = usize::from(way >> 2) + 1;
    crate::paused(run(role, bytes, chunk));
}

async fn run(role: Role, bytes: Vec<u8>, chunk: usize) {
    let limits = if role == Role::Server { Limits::server() } else { Limits::client() };
    let (io, far) = duplex(1024);
    let socket = WebSocket::new(io, role, Bytes::new(), &limits);
    let endpoint = exchange::endpoint(limits);
    let peer = endpoint.peer();
    let connection = tokio::spawn(endpoint.connect(socket));
    let call = tokio::spawn(peer.call::<Box<RawValue>>("a", (1,)).start());
    let stream = tokio::spawn(peer.subscribe::<Box<RawValue>>("s", "u", ()).start());

    let (mut from, mut to) = split(far);
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        let _ = from.read_to_end(&mut all).await;
    });
    for part in bytes.chunks(chunk) {
        if to.write_all(part).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    // Long enough for all that was begun, short enough for no deadline of a call.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _ = to.shutdown().await;

    let hour = Duration::from_secs(3600);
    tokio::time::timeout(hour, connection).await.expect("it ends").expect("it does not panic");
    drop(tokio::time::timeout(hour, call).await.expect("a call is resolved").unwrap());
    drop(tokio::time::timeout(hour, stream).await.expect("a call is resolved").unwrap());
    let stats = peer.stats();
    let left = [stats.pending, stats.in_flight, stats.queue_bytes];
    assert_eq!(left, [0; 3], "{stats:?}");
    drop(to);
    reading.await.unwrap();
}
