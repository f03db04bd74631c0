//! Our server, for what the reference server does not offer: a handler that suspends once, a server
//! that calls its client, notifications of any length, with `--sessions` connections that outlive their links, with
//! `--sse` links over server-sent events, and with `--layers` layers that do no more than layers must. An ordinary user: annotated traits, default limits.

#![expect(clippy::print_stdout, reason = "a program that says where it listens")]

use std::sync::atomic::{AtomicU64, Ordering};

use bench::{Adder, AdderClient, AdderServer, Checked, Pile, PileServer};
use futures_util::{StreamExt, stream};
use rpc_core::layers::{CallFuture, CallNext, CallRequest, Layer, ServeNext, ServeRequest};
use rpc_core::types::Handler;
use rpc_core::{Context, service};
use rpc_server::{Server, Sessions};

#[service]
trait Extra {
    /// The sum, after it has suspended once.
    async fn pause(&self, a: i64, b: i64) -> i64;

    /// Calls the caller's `add` so many times, so many at once; how many answers were right.
    async fn drive(&self, cx: &Context, count: i64, window: usize) -> i64;
}

struct Service;

/// The bytes of the texts that were put here.
#[derive(Default)]
struct Texts(AtomicU64);

impl Pile for Texts {
    fn put(&self, text: &str) {
        self.0.fetch_add(text.len() as u64, Ordering::Relaxed);
    }

    fn height(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

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

/// Looks at the outcome of each call, as most layers do.
struct Look;

impl Layer for Look {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        let handler = next.serve(call);
        Handler::from_future(async move {
            let outcome = handler.await;
            std::hint::black_box(outcome.error());
            outcome
        })
    }

    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        next.call(request)
    }
}

#[tokio::main]
async fn main() -> Checked {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let builder = Server::builder()
        .service(AdderServer::new(Service))
        .service(ExtraServer::new(Service))
        .service(PileServer::new(Texts::default()));
    let builder = match &*args {
        [] => builder,
        [arg] if arg == "--sessions" => builder.sessions(Sessions::new()),
        [arg] if arg == "--sse" => builder.sse(true),
        [arg, layers] if arg == "--layers" => {
            (0..layers.parse()?).fold(builder, |builder, _: u32| builder.layer(Look))
        }
        _ => return Err("usage: ours [--sessions | --sse | --layers N]".into()),
    };
    let server = builder.bind("127.0.0.1:0").await?.spawn();
    println!("listening on {}", server.url());
    std::future::pending().await
}
