//! What a client does not read waits in the queue of its connection, not in the system.
#![cfg(any(target_os = "linux", target_os = "android"))]

mod support;

use std::time::Duration;

use rpc_core::{Context, Router};
use rpc_server::Server;
use support::{Raw, limits, soon, spawn};

const PIECE: usize = 64 * 1024;
const PIECES: usize = 128;

/// The receive buffer of the client, what the system takes beyond its bound with the last write, and the write buffer
/// of the connection.
const ELSEWHERE: usize = 1024 * 1024;

#[tokio::test]
async fn the_system_holds_little_of_what_a_client_does_not_read() {
    let fill = |cx: Context, (): ()| async move {
        let text = "x".repeat(PIECE);
        for _ in 0..PIECES {
            cx.peer().notify("piece", (&text,)).await.expect("the queue has room");
        }
        Ok(())
    };
    let limits = limits(|limits| limits.queue = 2 * PIECES * PIECE);
    let server =
        spawn(Server::builder().limits(limits).service(Router::new().method("fill", fill))).await;
    let mut client = Raw::open(&server).await;
    client.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"fill"}"#).await;
    let waits = soon(at_rest(&server)).await;
    assert!(waits > PIECES * PIECE - ELSEWHERE, "only {waits} bytes wait in the queue");
}

/// The bytes in the queues of the server when they change no more.
async fn at_rest(server: &Server) -> usize {
    let mut last = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let waits = server.stats().queue_bytes;
        if waits > 0 && waits == last {
            return waits;
        }
        last = waits;
    }
}
