//! How often a call allocates, at both ends together. Alone in its process: everything that is
//! allocated in it is counted.

use std::alloc::System;

use futures_util::{StreamExt, TryStreamExt, stream};
use rpc_client::{Client, ClientBuilder, Reconnect};
use rpc_core::service;
use rpc_server::{Server, ServerBuilder, Sessions};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[service]
trait Adder {
    async fn add(&self, a: i64, b: i64) -> i64;
}

struct Exact;

impl Adder for Exact {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

const CALLS: i64 = 4000;

/// The caller's is what the call is encoded in, the server's is the handler. With a session it is no other.
#[tokio::test]
async fn a_call_takes_two_allocations_one_at_each_end() {
    let (server, client) = (Server::builder(), Client::builder());
    count(server, client).await;
    let server = Server::builder().sessions(Sessions::new());
    count(server, Client::builder().reconnect(Reconnect::default())).await;
}

async fn count(server: ServerBuilder, client: ClientBuilder) {
    let server = server.service(AdderServer::new(Exact));
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
    let client = client.connect(&server.url()).await.unwrap();
    let adder = &AdderClient::new(client.peer());

    for (at_once, of_the_test) in [(1, 0), (64, 1)] {
        // That many futures at once take a piece of memory each.
        let calls = async || {
            let calls = stream::iter(0..CALLS).map(|n| async move { adder.add(n, 1).await });
            let sums = async {
                if at_once == 1 {
                    calls.then(|call| call).try_fold(0, async |sum, n| Ok(sum + n)).await
                } else {
                    let calls = calls.buffer_unordered(at_once);
                    calls.try_fold(0, async |sum, n| Ok(sum + n)).await
                }
            };
            assert_eq!(sums.await.unwrap(), CALLS * (CALLS + 1) / 2);
        };
        calls().await;
        let region = Region::new(HEAP);
        calls().await;
        let change = region.change();
        let each = (change.allocations + change.reallocations) as f64 / CALLS as f64;
        let most = f64::from(2 + of_the_test) + 0.2;
        assert!(each <= most, "{each} allocations for each call, {at_once} at once");
    }
}
