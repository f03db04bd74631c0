//! G5: calls that call back that call back, at the tightest limits and to the hard cap.

mod support;

use std::sync::{Arc, OnceLock};

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{CallError, Context, ErrorObject, Limits, Peer, Router, memory};

/// Two ends that bounce a call to and fro; each calls through what `other` gives it.
fn bouncing(
    limits: &Limits,
    other: impl Fn(&Context) -> Peer + Clone + Send + Sync + 'static,
) -> (Peer, Peer) {
    let (left, right) = memory::transports(64 * 1024);
    let [a, b] = [left, right].map(|transport| {
        let other = other.clone();
        let services = Router::new().method("bounce", move |cx: Context, (depth,): (u32,)| {
            let other = other.clone();
            async move {
                if depth == 0 {
                    return Ok(0);
                }
                let below = other(&cx).call::<u32>("bounce", (depth - 1,)).await;
                below.map(|below| below + 1).map_err(|error| match error {
                    CallError::Busy => ErrorObject::new(1, "busy"),
                    other => other.into(),
                })
            }
        });
        let mut config = EndpointConfig::new(services, limits.clone());
        config.keepalive = false;
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    });
    (a, b)
}

fn one_place() -> Limits {
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    limits
}

fn one_at_a_time() -> Limits {
    let mut limits = one_place();
    limits.calls_on_wire = 1;
    limits
}

#[tokio::test(start_paused = true)]
async fn depth_50_at_limit_1() {
    let (a, b) = bouncing(&one_at_a_time(), Context::peer);
    assert_eq!(a.call::<u32>("bounce", (50,)).await, Ok(50));
    assert_eq!(b.call::<u32>("bounce", (50,)).await, Ok(50), "places were given back");
    assert_eq!((a.stats().in_flight, b.stats().in_flight), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn depth_50_at_limit_1_through_a_stored_clone() {
    // Each end's handler calls through a handle kept from before, not through its context.
    let kept: Arc<OnceLock<[Peer; 2]>> = Arc::default();
    let (a, b) = bouncing(&one_at_a_time(), {
        let kept = kept.clone();
        move |cx| {
            let [a, b] = kept.get().expect("set before the first call");
            if cx.peer() == *a { a.clone() } else { b.clone() }
        }
    });
    kept.set([a.clone(), b]).unwrap();
    assert_eq!(a.call::<u32>("bounce", (50,)).await, Ok(50));
}

#[tokio::test(start_paused = true)]
async fn depth_1000_at_the_defaults() {
    let (a, _b) = bouncing(&Limits::server(), Context::peer);
    assert_eq!(a.call::<u32>("bounce", (1000,)).await, Ok(1000));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_hard_cap_it_is_busy_at_once() {
    let mut limits = one_at_a_time();
    limits.live_handlers = 10;
    let (a, _b) = bouncing(&limits, Context::peer);
    assert_eq!(a.call::<u32>("bounce", (19,)).await, Ok(19), "10 handlers at each end");
    let before = tokio::time::Instant::now();
    let error = a.call::<u32>("bounce", (20,)).await.unwrap_err();
    assert!(error.to_string().contains("busy"), "{error}");
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
}

/// A call from a task that a handler spawned lends nothing: at the limit it is busy, not stuck.
#[tokio::test(start_paused = true)]
async fn a_spawned_task_does_not_lend() {
    let (left, right) = memory::transports(64 * 1024);
    let spawning = |cx: Context, (depth,): (u32,)| async move {
        if depth == 0 {
            return Ok(0);
        }
        let peer = cx.peer();
        let task = tokio::spawn(async move { peer.call::<u32>("bounce", (depth - 1,)).await });
        match task.await.unwrap() {
            Ok(below) => Ok(below + 1),
            Err(error) => Err(ErrorObject::new(1, error.to_string())),
        }
    };
    let [a, _b] = [left, right].map(|transport| {
        let services = Router::new().method("bounce", spawning);
        let endpoint = Endpoint::new(EndpointConfig::new(services, one_place()));
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    });
    assert_eq!(a.call::<u32>("bounce", (1,)).await, Ok(1));
    let error = a.call::<u32>("bounce", (2,)).await.unwrap_err();
    assert!(error.to_string().contains("busy"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn with_the_answer_a_handler_has_its_place_again() {
    let services = Router::new().method("ask", |cx: Context, (): ()| async move {
        cx.peer().call::<()>("question", ()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok(())
    });
    let (mut raw, _peer) = support::Raw::connect(services, one_place());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"ask"}
<-- {"jsonrpc":"2.0","id":1,"method":"question","timeoutMs":30000}
--> {"jsonrpc":"2.0","id":1,"result":null}
--> {"jsonrpc":"2.0","id":2,"method":"ask"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32009,"message":"busy: not executed, `inflight_requests` is reached","data":{"kind":"busy"}}}
<-- {"jsonrpc":"2.0","id":1,"result":null}
"#,
    )
    .await;
}

/// A handler that calls over *another* connection lends its place as well.
#[tokio::test(start_paused = true)]
async fn a_place_is_lent_across_connections() {
    let far = Router::new().method("far", |_: Context, (): ()| async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok(7)
    });
    let (through, _far) = memory::pair(Router::new(), far);
    let services = Router::new()
        .method("relay", move |_: Context, (): ()| {
            let through = through.clone();
            async move { Ok(through.call::<u32>("far", ()).await.unwrap()) }
        })
        .method("near", |_: Context, (): ()| async { Ok(1) });
    let (mut raw, _peer) = support::Raw::connect(services, one_at_a_time());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"relay"}
--> {"jsonrpc":"2.0","id":2,"method":"near"}
<-- {"jsonrpc":"2.0","id":2,"result":1}
<-- {"jsonrpc":"2.0","id":1,"result":7}
"#,
    )
    .await;
}
