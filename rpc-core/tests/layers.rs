//! Layers around what is served. Those around calls, and those in the box, have their own tests.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream;
use rpc_core::layers::{Layer, Layers, Outcome, OwnedServeRequest, ServeNext, ServeRequest};
use rpc_core::schema::MethodInfo;
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::types::{Handler, Params};
use rpc_core::{Context, ErrorObject, Limits, Peer, Router, Service, Streaming, memory};
use support::layers::Log;
use support::{Raw, assert_same};

/// A layer of one function.
struct Around<F>(F);

impl<F> Layer for Around<F>
where
    F: Fn(ServeRequest<'_>, ServeNext<'_>) -> Handler + Send + Sync + 'static,
{
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        (self.0)(call, next)
    }
}

fn around<F>(serve: F) -> Around<F>
where
    F: Fn(ServeRequest<'_>, ServeNext<'_>) -> Handler + Send + Sync + 'static,
{
    Around(serve)
}

/// Connects a raw end to `services` within `layers`.
fn connect(services: Router, layers: Layers) -> (Raw, Peer) {
    connect_with(services, layers, Limits::server())
}

fn connect_with(services: Router, layers: Layers, limits: Limits) -> (Raw, Peer) {
    let mut config = EndpointConfig::new(services, limits);
    config.layers = layers;
    Raw::connect_as(config, 64 * 1024)
}

/// A layer that tells what it sees.
fn telling(log: &Log, name: &'static str) -> impl Layer + use<> {
    let log = log.clone();
    around(move |call, next| {
        let (log, method) = (log.clone(), call.method().name.clone());
        assert_eq!(call.cx().method(), method);
        log.add(format!("{name} {method}{}", call.params().as_str().unwrap_or_default()));
        let handler = next.serve(call);
        Handler::from_future(async move {
            let outcome = handler.await;
            log.add(format!("{name} {outcome:?}"));
            outcome
        })
    })
}

fn echo() -> Router {
    Router::new()
        .method("echo", |_: Context, (text,): (String,)| async move { Ok(text) })
        .method("fail", |_: Context, (): ()| async {
            Err::<(), _>(ErrorObject::new(1, "no").with_data(&[1]))
        })
        .method("sleep", |_: Context, (ms,): (u64,)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        })
        .notification("note", |_: Context, _: (u8,)| async {})
        .subscription("ticks", "unsubscribe_ticks", |_: Context, (n,): (u32,)| async move {
            Ok(Streaming::new(stream::iter(0..n)))
        })
}

#[tokio::test(start_paused = true)]
async fn a_layer_sees_each_call_with_its_params_and_its_outcome() {
    let log = Log::default();
    let (mut raw, _) = connect(echo(), Layers::new().layer(telling(&log, "a")));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}
<-- {"jsonrpc":"2.0","id":1,"result":"x"}
--> {"jsonrpc":"2.0","id":2,"method":"fail"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"no","data":[1]}}
--> {"jsonrpc":"2.0","method":"note","params":[1]}
--> {"jsonrpc":"2.0","id":3,"method":"echo","params":[1]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"parameter 1: invalid type: integer `1`, expected a string","data":{"kind":"invalid_params","violations":[{"path":"[0]","message":"invalid type: integer `1`, expected a string"}]}}}
"#,
    )
    .await;
    let lines = log.take();
    assert_eq!(lines[..2], ["a echo[\"x\"]", "a Result"]);
    assert!(lines[2] == "a fail" && lines[3].starts_with("a Error("), "{lines:?}");
    assert_eq!(lines[4..6], ["a note[1]", "a Result"]);
    assert!(lines[6] == "a echo[1]" && lines[7].contains("-32602"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn members_of_a_batch_go_through_one_by_one() {
    let log = Log::default();
    let (mut raw, _) = connect(echo(), Layers::new().layer(telling(&log, "a")));
    raw.play(
        r#"
--> [{"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]},{"jsonrpc":"2.0","method":"note","params":[1]},{"jsonrpc":"2.0","id":2,"method":"echo","params":["y"]}]
<-- [{"jsonrpc":"2.0","id":1,"result":"x"},{"jsonrpc":"2.0","id":2,"result":"y"}]
"#,
    )
    .await;
    assert_eq!(
        log.take(),
        ["a echo[\"x\"]", "a Result", "a note[1]", "a Result", "a echo[\"y\"]", "a Result"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_one_added_is_the_outermost_wherever_layers_stand() {
    let log = Log::default();
    let inner = echo().layer(telling(&log, "5")).layer(telling(&log, "6"));
    let services =
        Router::new().service(inner).method("free", |_: Context, (): ()| async { Ok(()) });
    let mut config = EndpointConfig::new(services, Limits::server());
    config.layers = Layers::new().layer(telling(&log, "1")).layer(telling(&log, "2"));
    let (near, far) = memory::transports(1024);
    let endpoint = Endpoint::new(config);
    endpoint.add_layer(telling(&log, "3"));
    endpoint.add_layer(telling(&log, "4"));
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);

    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}"#).await;
    raw.receive().await;
    let order: String = log.take().iter().map(|line| &line[..1]).collect();
    assert_eq!(order, "123456654321");
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"free"}"#).await;
    raw.receive().await;
    let order: String = log.take().iter().map(|line| &line[..1]).collect();
    assert_eq!(order, "12344321", "those of a service are around that alone");
}

#[tokio::test(start_paused = true)]
async fn layers_of_one_connection_are_not_around_another() {
    let log = Log::default();
    let mut config = EndpointConfig::new(echo(), Limits::server());
    config.keepalive = false;
    let mut raws = Vec::new();
    for layered in [true, false] {
        let (near, far) = memory::transports(1024);
        let endpoint = Endpoint::new(config.clone());
        if layered {
            endpoint.add_layer(telling(&log, "a"));
        }
        tokio::spawn(endpoint.connect(near));
        raws.push(Raw::over(far));
    }
    for (raw, seen) in raws.iter_mut().zip([2, 0]) {
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}"#).await;
        raw.receive().await;
        assert_eq!(log.take().len(), seen);
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_answer_instead_of_the_method() {
    let layer = around(|call, next| match call.params().as_str() {
        Some("[\"cached\"]") => Handler::from_future(async { Outcome::result("from the cache") }),
        Some("[\"never\"]") => Handler::error(ErrorObject::new(7, "never")),
        _ => next.serve(call),
    });
    let (mut raw, _) = connect(echo(), Layers::new().layer(layer));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["cached"]}
<-- {"jsonrpc":"2.0","id":1,"result":"from the cache"}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":["never"]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":7,"message":"never"}}
--> {"jsonrpc":"2.0","id":3,"method":"echo","params":["x"]}
<-- {"jsonrpc":"2.0","id":3,"result":"x"}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_change_the_params_and_what_comes_of_them() {
    let layer = around(|call, next| {
        let text = call.params().as_str().unwrap_or_default().to_uppercase();
        let params = Params::new(&text).unwrap_or(Params::none());
        let handler = next.serve(call.with_params(params));
        Handler::from_future(async move {
            let mut outcome = handler.await;
            match (outcome.json(100), outcome.error()) {
                (Some(json), _) => Outcome::result(&[&*json]),
                (None, Some(error)) => ErrorObject::new(error.code + 1, "changed").into(),
                (None, None) => outcome,
            }
        })
    });
    let (mut raw, _) = connect(echo(), Layers::new().layer(layer));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}
<-- {"jsonrpc":"2.0","id":1,"result":["X"]}
--> {"jsonrpc":"2.0","id":2,"method":"fail"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":2,"message":"changed"}}
"#,
    )
    .await;
}

#[test]
fn params_look_like_an_array_or_an_object() {
    for good in ["[]", "{}", " [1] ", "{\"a\":1}\n", "null"] {
        assert!(Params::new(good).is_some(), "{good}");
    }
    for bad in ["", "[", "[}", "1", "\"x\"", "é"] {
        assert!(Params::new(bad).is_none(), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn params_that_a_layer_breaks_harm_their_call_alone() {
    let layer = around(|call, next| next.serve(call.with_params(Params::new("[\"x\",]").unwrap())));
    let (mut raw, _) = connect(echo(), Layers::new().layer(layer));
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}"#).await;
    assert!(raw.receive().await.contains("-32602"));
}

/// A result that is too long for the layer is none the worse for being asked for.
#[tokio::test(start_paused = true)]
async fn a_result_is_serialised_for_a_layer_only_up_to_its_limit() {
    let log = Log::default();
    let layer = {
        let log = log.clone();
        around(move |call, next| {
            let (log, handler) = (log.clone(), next.serve(call));
            Handler::from_future(async move {
                let mut outcome = handler.await;
                log.add(format!("{:?}", outcome.json(5).map(|json| json.get().to_owned())));
                outcome
            })
        })
    };
    let (mut raw, _) = connect(echo(), Layers::new().layer(layer));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["abc"]}
<-- {"jsonrpc":"2.0","id":1,"result":"abc"}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":["abcd"]}
<-- {"jsonrpc":"2.0","id":2,"result":"abcd"}
--> {"jsonrpc":"2.0","id":3,"method":"fail"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"no","data":[1]}}
"#,
    )
    .await;
    assert_eq!(log.take(), [r#"Some("\"abc\"")"#, "None", "None"]);
}

/// G10 holds within layers: without room nothing is serialised.
#[tokio::test(start_paused = true)]
async fn a_layer_does_not_have_a_result_serialised() {
    struct Counted(Arc<AtomicUsize>);
    impl serde::Serialize for Counted {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.fetch_add(1, Ordering::Relaxed);
            serializer.serialize_u8(1)
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    let written = count.clone();
    let services = Router::new().method("m", move |_: Context, (): ()| {
        let count = count.clone();
        async move { Ok(Counted(count)) }
    });
    let before = Arc::new(AtomicUsize::new(0));
    let layer = {
        let (before, written) = (before.clone(), written.clone());
        around(move |call, next| {
            let (before, written, handler) = (before.clone(), written.clone(), next.serve(call));
            Handler::from_future(async move {
                let outcome = handler.await;
                before.store(written.load(Ordering::Relaxed) + 10, Ordering::Relaxed);
                outcome
            })
        })
    };
    let (mut raw, _) = connect(services, Layers::new().layer(layer));
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
    assert_same(&raw.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":1}"#);
    let counts = (before.load(Ordering::Relaxed), written.load(Ordering::Relaxed));
    assert_eq!(counts, (10, 1));
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_waits_delays_its_call_and_no_other() {
    let layer = around(|call, next| {
        let handler = next.serve(call);
        if call.method().name != "echo" {
            return handler;
        }
        Handler::from_future(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handler.await
        })
    });
    let (mut raw, _) = connect(echo(), Layers::new().layer(layer));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["late"]}
--> {"jsonrpc":"2.0","id":2,"method":"sleep","params":[1]}
<-- {"jsonrpc":"2.0","id":2,"result":1}
<-- {"jsonrpc":"2.0","id":1,"result":"late"}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_kept_is_decoded_when_it_goes_on() {
    let log = Log::default();
    let inner = telling(&log, "inner");
    let layer = {
        let log = log.clone();
        around(move |call, next| {
            let (log, kept): (_, OwnedServeRequest) = (log.clone(), next.keep(call));
            assert_eq!(kept.cx().method(), "echo");
            Handler::from_future(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                log.add("goes on");
                kept.serve().await
            })
        })
    };
    let (mut raw, _) = connect(echo(), Layers::new().layer(layer).layer(inner));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}
<-- {"jsonrpc":"2.0","id":1,"result":"x"}
"#,
    )
    .await;
    assert_eq!(log.take(), ["goes on", "inner echo[\"x\"]", "inner Result"]);
    let services = Router::new().service(echo().layer(around(|call, next| {
        let kept = next.keep(call);
        Handler::from_future(async move { kept.serve().await })
    })));
    let (mut raw, _) = connect(services, Layers::new());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["y"]}"#).await;
    assert_same(&raw.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":"y"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_stops_a_layer_that_waits() {
    struct Guard(Log);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.add("stopped");
        }
    }
    let log = Log::default();
    let layer = {
        let log = log.clone();
        around(move |call, next| {
            let (guard, handler) = (Guard(log.clone()), next.serve(call));
            Handler::from_future(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
                handler.await
            })
        })
    };
    let (mut raw, peer) = connect(echo(), Layers::new().layer(layer));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":["x"],"timeoutMs":50}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
"#,
    )
    .await;
    assert_eq!(log.take(), ["stopped", "stopped"]);
    assert_eq!(peer.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_layer_is_one_of_its_call() {
    let layer = around(|call, next| {
        let handler = next.serve(call);
        match call.params().as_str() {
            Some("[\"at once\"]") => panic!("at once"),
            Some("[\"later\"]") => Handler::from_future(async move {
                let _outcome = handler.await;
                panic!("later")
            }),
            _ => handler,
        }
    });
    let (mut raw, _) = connect(echo(), Layers::new().layer(layer));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["at once"]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":["later"]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"internal error"}}
--> {"jsonrpc":"2.0","id":3,"method":"echo","params":["x"]}
<-- {"jsonrpc":"2.0","id":3,"result":"x"}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_method_goes_through_its_layers() {
    let services = Router::new().method("panic", |_: Context, (): ()| async {
        assert!(Params::none().as_str().is_some(), "always");
        Ok(())
    });
    let log = Log::default();
    let (mut raw, _) = connect(services, Layers::new().layer(telling(&log, "a")));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"panic"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}
"#,
    )
    .await;
    assert_eq!(log.take(), ["a panic"], "nothing came of it");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_goes_through_and_keeps_its_items() {
    let log = Log::default();
    let (peer, _) = memory::pair(
        Router::new(),
        echo().layer(telling(&log, "a")).layer(around(|call, next| {
            let handler = next.serve(call);
            Handler::from_future(async move {
                let mut outcome = handler.await;
                assert!(outcome.is_stream() && outcome.json(100).is_none());
                outcome
            })
        })),
    );
    let ticks = peer.subscribe::<u32>("ticks", "unsubscribe_ticks", (3,)).await.unwrap();
    let items: Vec<_> = futures_util::StreamExt::collect(ticks).await;
    assert_eq!(items, [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(log.take(), ["a ticks[3]", "a Stream"]);
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_refuse_a_subscription_that_was_made() {
    let layer = around(|call, next| {
        let handler = next.serve(call);
        Handler::from_future(async move {
            drop(handler.await);
            ErrorObject::new(3, "not now").into()
        })
    });
    let (mut raw, peer) = connect(echo(), Layers::new().layer(layer));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"ticks","params":[3]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"not now"}}
"#,
    )
    .await;
    assert_eq!(peer.stats().subscriptions, 0);
}

/// Tells what never came to it.
struct Refusals(Log);

impl Layer for Refusals {
    fn refused(&self, peer: &Peer, method: Option<&MethodInfo>, code: i64) {
        assert!(!peer.is_closed());
        self.0.add(format!("{:?} {code}", method.map(|method| method.name.clone())));
        assert_ne!(code, -32600, "panics, and nobody minds");
    }
}

#[tokio::test(start_paused = true)]
async fn layers_hear_of_requests_that_come_to_no_handler() {
    let log = Log::default();
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    limits.depth = 5;
    let layers = Layers::new().layer(Refusals(log.clone()));
    let (mut raw, _) = connect_with(echo(), layers, limits);
    for (request, told) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"of the peer's choice"}"#, "None -32601"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["x"],"timeoutMs":0}"#,
            "Some(\"echo\") -32012",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":[[[[[[[]]]]]]]}"#,
            "Some(\"echo\") -32007",
        ),
        (r#"{"jsonrpc":"2.0","id":[],"method":"echo"}"#, "None -32600"),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"none"}]"#, "None -32601"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"unsubscribe_ticks"}"#, "None -32602"),
    ] {
        raw.send(request).await;
        raw.receive().await;
        assert_eq!(log.take(), [told], "{request}");
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"sleep","params":[60000]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"echo","params":["x"]}"#).await;
    raw.receive().await;
    assert_eq!(log.take(), ["Some(\"echo\") -32009"]);
}

/// A call that a layer makes while it serves is one of the handler: it lends and inherits.
#[tokio::test(start_paused = true)]
async fn what_a_layer_calls_is_called_by_the_handler() {
    let layer = around(|call, next| {
        let (peer, handler) = (call.cx().peer(), next.serve(call));
        Handler::from_future(async move {
            match peer.call::<bool>("may_i", ()).no_timeout().await {
                Ok(true) => handler.await,
                _ => ErrorObject::not_authorized().into(),
            }
        })
    });
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let (mut raw, _) =
        connect_with(Router::new().service(echo().layer(layer)), Layers::new(), limits);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"echo","params":["x"],"timeoutMs":2000}
<-- {"jsonrpc":"2.0","id":1,"method":"may_i","timeoutMs":2000}
--> {"jsonrpc":"2.0","id":2,"method":"echo","params":["y"]}
<-- {"jsonrpc":"2.0","id":2,"method":"may_i"}
--> {"jsonrpc":"2.0","id":2,"result":false}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32013,"message":"not authorized for this method","data":{"kind":"not_authorized"}}}
--> {"jsonrpc":"2.0","id":1,"result":true}
<-- {"jsonrpc":"2.0","id":1,"result":"x"}
"#,
    )
    .await;
}
