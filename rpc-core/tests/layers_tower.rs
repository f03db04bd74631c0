//! Middleware of tower around what is served, and around calls.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::layers::tower::{Adapt, BoxError, Request};
use rpc_core::layers::{Answer, Outcome, OwnedServeRequest};
use rpc_core::{CallError, Context, ErrorObject, Limits, Peer, Router, Service, memory};
use support::Raw;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::load_shed::error::Overloaded;
use tower::retry::Policy;
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);

fn panics() -> Result<(), ErrorObject> {
    panic!("as a test")
}

fn services() -> Router {
    Router::new()
        .method("sleep", |_: Context, (seconds,): (u64,)| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(seconds)
        })
        .method("panic", |_: Context, (): ()| async { panics() })
}

fn serve(layer: impl rpc_core::layers::Layer) -> (Raw, Peer) {
    Raw::connect(Router::new().service(services().layer(layer)), Limits::server())
}

fn meaning(error: BoxError) -> ErrorObject {
    if error.is::<Elapsed>() {
        ErrorObject::deadline()
    } else if error.is::<Overloaded>() {
        ErrorObject::busy("tower")
    } else {
        ErrorObject::internal()
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_tower_stops_a_handler() {
    for (errors_are_read, answer) in [(true, "-32012"), (false, "-32603")] {
        let timeout = Adapt::new(TimeoutLayer::new(SECOND));
        let timeout = if errors_are_read { timeout.errors(meaning) } else { timeout };
        let (mut raw, peer) = serve(timeout);
        raw.play(
            r#"
--> {"jsonrpc":"2.0","id":1,"method":"sleep","params":[0]}
<-- {"jsonrpc":"2.0","id":1,"result":0}
--> {"jsonrpc":"2.0","id":1,"method":"sleep","params":["x"]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"parameter 1: invalid type: string \"x\", expected u64","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"invalid type: string \"x\", expected u64"}]}}}
--> {"jsonrpc":"2.0","id":1,"method":"panic"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}
"#,
        )
        .await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"sleep","params":[9]}"#).await;
        assert!(raw.receive().await.contains(answer));
        assert_eq!(peer.stats().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_tower_is_shared_by_all_calls_and_left_by_those_that_are_cancelled() {
    let (mut raw, _) = serve(Adapt::new(ConcurrencyLimitLayer::new(1)));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"sleep","params":[60]}
--> {"jsonrpc":"2.0","id":2,"method":"sleep","params":[0]}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
<-- {"jsonrpc":"2.0","id":2,"result":0}
--> {"jsonrpc":"2.0","id":3,"method":"panic"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32603,"message":"internal error"}}
--> [{"jsonrpc":"2.0","id":4,"method":"sleep","params":[1]},{"jsonrpc":"2.0","id":5,"method":"sleep","params":[0]}]
<-- [{"jsonrpc":"2.0","id":4,"result":1},{"jsonrpc":"2.0","id":5,"result":0}]
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn layers_of_tower_make_a_stack() {
    let stack = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(TimeoutLayer::new(2 * SECOND));
    let (mut raw, _) = serve(Adapt::new(stack).errors(meaning));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"sleep","params":[60]}
--> {"jsonrpc":"2.0","id":2,"method":"sleep","params":[0]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32009,"message":"busy: not executed, `tower` is reached","data":{"kind":"busy"}}}
"#,
    )
    .await;
    assert!(raw.is_silent().await);
    tokio::time::sleep(2 * SECOND).await;
    assert!(raw.receive().await.contains("-32012"));
}

/// What is called with a served call knows it, and may answer it or have it run again.
#[tokio::test(start_paused = true)]
async fn a_service_of_tower_sees_what_is_called() {
    let twice = tower::layer::layer_fn(|next: rpc_core::layers::tower::Next| {
        tower::service_fn(move |call: OwnedServeRequest| {
            let mut next = next.clone();
            async move {
                if call.params().as_str() == Some("[7]") {
                    return Err(ErrorObject::new(7, format!("no 7 for `{}`", call.method().name)));
                }
                let Ok(_) = next.call(call.clone()).await;
                let Ok(outcome) = next.call(call).await;
                Ok::<Outcome, ErrorObject>(outcome)
            }
        })
    });
    let (mut raw, _) = serve(Adapt::new(twice));
    let start = tokio::time::Instant::now();
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"sleep","params":[2]}"#).await;
    assert!(raw.receive().await.contains(r#""result":2"#));
    assert_eq!(start.elapsed().as_secs(), 4);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"sleep","params":[7]}"#).await;
    assert!(raw.receive().await.contains("no 7 for `sleep`"));
}

#[derive(Clone)]
struct Again(u32);

impl Policy<Request, Answer, CallError> for Again {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request,
        answer: &mut Result<Answer, CallError>,
    ) -> Option<Self::Future> {
        assert_eq!(request.method(), "flaky");
        self.0 = self.0.checked_sub(1).filter(|_| matches!(answer, Err(CallError::Busy)))?;
        Some(std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_of_tower_stands_around_calls() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    let flaky = services().method("flaky", move |cx: Context, (a, b): (i64, i64)| {
        let tried = count.fetch_add(1, Ordering::Relaxed);
        assert!(cx.idempotency_key().is_some());
        async move { if tried < 2 { Err(ErrorObject::busy("flaky")) } else { Ok(a + b) } }
    });
    let (peer, _) = memory::pair(Router::new(), flaky);
    let request = Request::new("flaky", &(1, 2)).unwrap().idempotency_key("once");
    assert_eq!(request.params(), Some("[1,2]"));
    let retry = tower::retry::RetryLayer::new(Again(5));
    let answer = retry.layer(peer.clone()).oneshot(request.clone()).await.unwrap();
    assert_eq!((answer.decode::<i64>(), tries.load(Ordering::Relaxed)), (Ok(3), 3));

    tries.store(0, Ordering::Relaxed);
    let retry = tower::retry::RetryLayer::new(Again(1));
    let other = request.idempotency_key("another");
    let busy = retry.layer(peer.clone()).oneshot(other).await;
    assert!(matches!(busy, Err(CallError::Busy)), "{busy:?}");

    let mut within = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(TimeoutLayer::new(SECOND))
        .service(peer.clone());
    let sleep = |seconds: u64| Request::new("sleep", &(seconds,)).unwrap();
    let slow = within.ready().await.unwrap().call(sleep(9));
    let shed = within.ready().await.unwrap().call(sleep(0)).await;
    assert!(shed.unwrap_err().is::<Overloaded>());
    assert!(slow.await.unwrap_err().is::<Elapsed>());
    tokio::time::sleep(SECOND).await;
    assert_eq!(peer.stats().pending, 0, "dropped by tower, cancelled here");

    let own = sleep(9).timeout(Duration::from_millis(10));
    assert!(matches!(peer.clone().oneshot(own).await, Err(CallError::Timeout { .. })));
    let panicked = Request::new("panic", &()).unwrap();
    assert_eq!(panicked.params(), None);
    assert!(matches!(peer.oneshot(panicked).await, Err(CallError::Remote(_))));
}
