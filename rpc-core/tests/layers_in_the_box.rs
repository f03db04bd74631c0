//! The layers that come with the crate.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::layers::{Authorize, Concurrency, Layers, Timeout};
use rpc_core::schema::{MethodInfo, MethodKind};
use rpc_core::transport::EndpointConfig;
use rpc_core::types::{Handler, Params};
use rpc_core::{CallError, Context, ErrorObject, Fate, Limits, Peer, Router, Service, memory};
use support::{Raw, assert_same};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const BUSY: &str = r#""error":{"code":-32009,"message":"busy: not executed, `concurrency` is reached","data":{"kind":"busy"}}}"#;
const DENIED: &str = r#""error":{"code":-32013,"message":"not authorized for this method","data":{"kind":"not_authorized"}}}"#;

/// How many handlers run, and how many ever did at once.
#[derive(Clone, Default)]
struct Count {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    started: Arc<AtomicUsize>,
}

impl Count {
    async fn work(self, time: Duration) {
        struct Leave(Arc<AtomicUsize>);
        impl Drop for Leave {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.started.fetch_add(1, Ordering::Relaxed);
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        let _leave = Leave(self.now.clone());
        self.most.fetch_max(now, Ordering::Relaxed);
        tokio::time::sleep(time).await;
    }

    fn most(&self) -> usize {
        self.most.swap(0, Ordering::Relaxed)
    }
}

fn working(count: &Count) -> Router {
    let count = count.clone();
    Router::new().method("work", move |_: Context, (seconds,): (u64,)| {
        let count = count.clone();
        async move {
            count.work(Duration::from_secs(seconds)).await;
            Ok(seconds)
        }
    })
}

fn serve(services: impl Service) -> (Raw, Peer) {
    Raw::connect(Router::new().service(services), Limits::server())
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_stopped() {
    let count = Count::default();
    let limit = Timeout::new(2 * SECOND).method("work", SECOND / 20);
    let (mut raw, _) = serve(working(&count).layer(limit));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"work","params":[0]}
<-- {"jsonrpc":"2.0","id":1,"result":0}
--> {"jsonrpc":"2.0","id":2,"method":"work","params":[1]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
"#,
    )
    .await;
    assert_eq!(count.now.load(Ordering::Relaxed), 0, "it is stopped");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_bounds_what_is_called_and_travels_along() {
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.layers = Layers::new().layer(Timeout::new(2 * SECOND).method("free", Duration::MAX));
    let (mut raw, peer) = Raw::connect_as(config, 1024);
    let calls = [
        peer.call::<u8>("m", ()).no_timeout(),
        peer.call::<u8>("m", ()).timeout(SECOND),
        peer.call::<u8>("free", ()),
    ];
    let calls = calls.map(|call| call.start());
    for left in [2000, 1000, 30_000] {
        assert!(raw.receive().await.contains(&format!("\"timeoutMs\":{left}}}")));
    }
    let start = Instant::now();
    for (call, seconds) in calls.into_iter().zip([2, 2, 30]) {
        assert_eq!(call.await, Err(CallError::Timeout { fate: Fate::MaybeExecuted, heard: None }));
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_may_and_the_rest_waits_in_order() {
    let count = Count::default();
    let limit = Concurrency::new(2);
    // Over several services and connections.
    let shared = [(); 2].map(|()| serve(working(&count).layer(limit.clone())));
    let [(mut a, _), (mut b, _)] = shared;
    for id in 1..=3 {
        for raw in [&mut a, &mut b] {
            let params = if id == 1 { 2 } else { 1 };
            raw.send(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"work","params":[{params}]}}"#
            ))
            .await;
            tokio::task::yield_now().await;
        }
    }
    let start = Instant::now();
    for (id, seconds) in [(1, 2), (2, 3), (3, 4)] {
        for raw in [&mut a, &mut b] {
            assert!(raw.receive().await.contains(&format!("\"id\":{id}")));
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
    }
    assert_eq!(count.most(), 2);
}

#[tokio::test(start_paused = true)]
async fn more_than_may_wait_are_busy_and_who_is_cancelled_waits_no_more() {
    let count = Count::default();
    let limit = Concurrency::new(1).waiting(1);
    let (mut raw, peer) = serve(working(&count).layer(limit));
    raw.play(&format!(
        r#"
--> {{"jsonrpc":"2.0","id":1,"method":"work","params":[1]}}
--> {{"jsonrpc":"2.0","id":2,"method":"work","params":[1]}}
--> {{"jsonrpc":"2.0","id":3,"method":"work","params":[1]}}
<-- {{"jsonrpc":"2.0","id":3,{BUSY}
--> {{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":2}}}}
<-- {{"jsonrpc":"2.0","id":2,"error":{{"code":-32800,"message":"request cancelled","data":{{"kind":"cancelled"}}}}}}
--> {{"jsonrpc":"2.0","id":4,"method":"work","params":["no number"]}}
<-- {{"jsonrpc":"2.0","id":1,"result":1}}
<-- {{"jsonrpc":"2.0","id":4,"error":{{"code":-32602,"message":"parameter 1: invalid type: string \"no number\", expected u64","data":{{"kind":"invalid_params","violations":[{{"path":"[0]","message":"invalid type: string \"no number\", expected u64"}}]}}}}}}
--> {{"jsonrpc":"2.0","id":5,"method":"work","params":[0],"timeoutMs":10}}
<-- {{"jsonrpc":"2.0","id":5,"result":0}}
"#
    ))
    .await;
    assert_eq!(count.started.load(Ordering::Relaxed), 2, "two of five");
    assert_eq!(peer.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_while_waiting_for_a_place() {
    let count = Count::default();
    let (mut raw, _) = serve(working(&count).layer(Concurrency::new(1)));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"work","params":[1]}
--> {"jsonrpc":"2.0","id":2,"method":"work","params":[1],"timeoutMs":100}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
<-- {"jsonrpc":"2.0","id":1,"result":1}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_some_methods_concerns_no_others() {
    let count = Count::default();
    let services = working(&count).method("free", |_: Context, (): ()| async { Ok(()) });
    let (mut raw, _) = serve(services.layer(Concurrency::new(1).waiting(0).only(["work"])));
    raw.play(&format!(
        r#"
--> {{"jsonrpc":"2.0","id":1,"method":"work","params":[1]}}
--> {{"jsonrpc":"2.0","id":2,"method":"work","params":[1]}}
<-- {{"jsonrpc":"2.0","id":2,{BUSY}
--> {{"jsonrpc":"2.0","id":3,"method":"free"}}
<-- {{"jsonrpc":"2.0","id":3,"result":null}}
<-- {{"jsonrpc":"2.0","id":1,"result":1}}
"#
    ))
    .await;
}

/// A place is left however its handler ends.
#[tokio::test(start_paused = true)]
async fn places_come_back() {
    let services = Router::new().method("m", |_: Context, (n,): (u8,)| async move {
        assert!(n != 1, "panics");
        match n {
            2 => Err(ErrorObject::new(1, "no")),
            3 => std::future::pending().await,
            _ => Ok(()),
        }
    });
    let (mut raw, _) = serve(services.layer(Concurrency::new(1).waiting(0)));
    for n in [0, 1, 2, 3, 0] {
        let timeout = r#""timeoutMs":10"#;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{n},"method":"m","params":[{n}],{timeout}}}"#))
            .await;
        assert!(!raw.receive().await.contains("-32009"), "{n}");
    }
}

/// G5 with a layer: two ends that bounce a call to and fro, each within one place.
async fn bounce(router: impl Fn(Concurrency) -> Router, depth: u32) -> Result<u32, CallError> {
    let limit = Concurrency::new(1).waiting(0);
    let (a, _b) = memory::pair(router(limit.clone()), router(limit));
    let bounced = a.call::<u32>("bounce", (depth,)).await;
    assert_eq!(a.call::<u32>("bounce", (0,)).await, Ok(0), "places were given back");
    bounced
}

async fn below(next: Peer, depth: u32) -> Result<u32, ErrorObject> {
    if depth == 0 {
        return Ok(0);
    }
    Ok(next.call::<u32>("bounce", (depth - 1,)).await? + 1)
}

#[tokio::test(start_paused = true)]
async fn calls_that_come_back_do_not_wait_for_themselves() {
    let router = |limit| {
        let bounce = |cx: Context, (depth,): (u32,)| below(cx.peer(), depth);
        Router::new().service(Router::new().method("bounce", bounce).layer(limit))
    };
    assert_eq!(bounce(router, 50).await, Ok(50));
}

/// A service whose only method runs in a task of its own.
struct Spawned<F>([MethodInfo; 1], F);

fn spawned<F, R>(name: &'static str, run: F) -> Spawned<F>
where
    F: Fn(Context, u32) -> R + Send + Sync + 'static,
    R: Future<Output = Result<u32, ErrorObject>> + Send + 'static,
{
    Spawned([MethodInfo::new(name, MethodKind::Request)], run)
}

impl<F, R> Service for Spawned<F>
where
    F: Fn(Context, u32) -> R + Send + Sync + 'static,
    R: Future<Output = Result<u32, ErrorObject>> + Send + 'static,
{
    fn methods(&self) -> &[MethodInfo] {
        &self.0
    }

    fn call(&self, _: usize, cx: &Context, params: Params<'_>) -> Handler {
        let (number,): (u32,) = serde_json::from_str(params.as_str().unwrap()).unwrap();
        Handler::spawned(cx, (self.1)(cx.clone(), number))
    }
}

/// The connection sees nothing of the moment in which such a handler begins to wait.
#[tokio::test(start_paused = true)]
async fn a_handler_in_a_task_of_its_own_lends_its_place_as_well() {
    let router = |limit| {
        Router::new().service(spawned("bounce", |cx, depth| below(cx.peer(), depth)).layer(limit))
    };
    assert_eq!(bounce(router, 50).await, Ok(50));
}

/// There a place is lent by hand, and nothing wakes the connection that the handler belongs to.
#[tokio::test(start_paused = true)]
async fn a_place_is_lent_for_calls_on_other_connections_too() {
    for in_a_task in [false, true] {
        let limit = Concurrency::new(1).waiting(0);
        let relay = |next: Peer| {
            if in_a_task {
                let relay = spawned("bounce", move |_, depth| below(next.clone(), depth));
                return Router::new().service(relay.layer(limit.clone()));
            }
            let relay = Router::new()
                .method("bounce", move |_: Context, (depth,): (u32,)| below(next.clone(), depth));
            Router::new().service(relay.layer(limit.clone()))
        };
        let end = Router::new().method("bounce", |_: Context, _: (u32,)| async { Ok(0) });
        let (mut next, _end) = memory::pair(Router::new(), end.layer(limit.clone()));
        for _ in 0..5 {
            next = memory::pair(Router::new(), relay(next)).0;
        }
        assert_eq!(next.call::<u32>("bounce", (9,)).await, Ok(5), "in a task: {in_a_task}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lent_place_is_taken_back_when_there_is_an_answer() {
    for in_a_task in [false, true] {
        let count = Count::default();
        let works = count.clone();
        let ask = move |cx: Context, number: u32| {
            let count = works.clone();
            async move {
                cx.peer().call::<()>("question", ()).await?;
                count.work(SECOND).await;
                Ok(number)
            }
        };
        let limit = Concurrency::new(1).waiting(0);
        let (mut raw, _) = if in_a_task {
            serve(spawned("ask", ask).layer(limit))
        } else {
            let ask = move |cx: Context, (number,): (u32,)| ask(cx, number);
            serve(Router::new().method("ask", ask).layer(limit))
        };
        raw.play(
            r#"
--> {"jsonrpc":"2.0","id":1,"method":"ask","params":[1]}
<-- {"jsonrpc":"2.0","id":1,"method":"question","timeoutMs":30000}
--> {"jsonrpc":"2.0","id":1,"result":null}
"#,
        )
        .await;
        raw.play(&format!(
            r#"
--> {{"jsonrpc":"2.0","id":2,"method":"ask","params":[2]}}
<-- {{"jsonrpc":"2.0","id":2,{BUSY}
<-- {{"jsonrpc":"2.0","id":1,"result":1}}
"#
        ))
        .await;
        assert_eq!(count.most(), 1);
    }
}

fn secret() -> Router {
    Router::new()
        .method("open", |_: Context, (): ()| async { Ok(1) })
        .method("secret", |_: Context, (n,): (u8,)| async move { Ok(n) })
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_looks_the_same_whatever_the_params() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let rule = Authorize::new(move |_, method| {
        count.fetch_add(1, Ordering::Relaxed);
        method.name != "secret"
    });
    let (mut raw, _) = serve(secret().layer(rule));
    for params in ["", r#","params":[1]"#, r#","params":["no number"]"#, r#","params":{"a":[]}"#] {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"secret"{params}}}"#)).await;
        assert_same(&raw.receive().await, &format!(r#"{{"jsonrpc":"2.0","id":1,{DENIED}"#));
    }
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"secret","params":[1]}
--> {"jsonrpc":"2.0","id":1,"method":"open"}
<-- {"jsonrpc":"2.0","id":1,"result":1}
"#,
    )
    .await;
    assert_eq!(asked.load(Ordering::Relaxed), 6, "each was asked about once");
}

#[tokio::test(start_paused = true)]
async fn a_rule_may_give_an_error_of_its_own_or_panic() {
    let rule = Authorize::new(|_, method| match &*method.name {
        "secret" => Err(ErrorObject::new(9, "log in first")),
        _ => panic!("is no yes"),
    });
    let (mut raw, _) = serve(secret().layer(rule));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"secret"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":9,"message":"log in first"}}
--> {"jsonrpc":"2.0","id":2,"method":"open"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"internal error"}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_waits_lets_nothing_be_decoded_before() {
    struct Decoded;
    impl<'de> serde::Deserialize<'de> for Decoded {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("decoded")
        }
    }
    let services = secret().method("never", |_: Context, (_,): (Decoded,)| async { Ok(()) });
    let rule = Authorize::new_async(|cx: Context, method: &MethodInfo| {
        let name = method.name.clone();
        async move { cx.peer().call::<bool>("may_call", (name,)).no_timeout().await.unwrap_or(false) }
    });
    let (mut raw, _) = serve(services.layer(rule));
    raw.play(&format!(
        r#"
--> {{"jsonrpc":"2.0","id":1,"method":"secret","params":[5]}}
<-- {{"jsonrpc":"2.0","id":1,"method":"may_call","params":["secret"]}}
--> {{"jsonrpc":"2.0","id":1,"result":true}}
<-- {{"jsonrpc":"2.0","id":1,"result":5}}
--> {{"jsonrpc":"2.0","id":2,"method":"never","params":[5]}}
<-- {{"jsonrpc":"2.0","id":2,"method":"may_call","params":["never"]}}
--> {{"jsonrpc":"2.0","id":2,"result":false}}
<-- {{"jsonrpc":"2.0","id":2,{DENIED}
"#
    ))
    .await;
}
