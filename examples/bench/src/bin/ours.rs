//! Our server, for what the reference server does not offer: a handler that suspends once, and a
//! server that calls its client. An ordinary user: annotated traits, default limits.

#![expect(clippy::print_stdout, reason = "a program that says where it listens")]

use bench::{Adder, AdderClient, AdderServer, Checked};
use futures_util::{StreamExt, stream};
use rpc_core::{Context, service};
use rpc_server::Server;

#[service]
trait Extra {
    /// The sum, after it has suspended once.
    async fn pause(&self, a: i64, b: i64) -> i64;

    /// Calls the caller's `add` so many times, so many at once; how many answers were right.
    async fn drive(&self, cx: &Context, count: i64, window: usize) -> i64;
}

struct Service;

impl Adder for Service {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
}

impl Extra for Service {
    async fn pause(&self, a: i64, b: i64) -> i64 {
        tokio::task::yield_now().await;
        a.wrapping_add(b)
    }

    async fn drive(&self, cx: &Context, count: i64, window: usize) -> i64 {
        let caller = AdderClient::new(cx.peer());
        let calls = (1..=count).map(|n| {
            let caller = &caller;
            async move { caller.add(n, 1).await.is_ok_and(|sum| sum == n + 1) }
        });
        let answers = stream::iter(calls).buffer_unordered(window.max(1));
        answers.fold(0, async |right, answer| right + i64::from(answer)).await
    }
}

#[tokio::main]
async fn main() -> Checked {
    let server = Server::builder()
        .service(AdderServer::new(Service))
        .service(ExtraServer::new(Service))
        .bind("127.0.0.1:0")
        .await?
        .spawn();
    println!("listening on {}", server.url());
    std::future::pending().await
}
