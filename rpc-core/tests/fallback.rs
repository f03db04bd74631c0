//! `Router::fallback`: what serves the names that nobody offers.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::layers::{AccessLog, Authorize, Concurrency, Layers, Timeout};
use rpc_core::schema::{MethodInfo, MethodKind};
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::types::{GoAway, Handler, Params, RawParams};
use rpc_core::{Context, ErrorObject, Limits, Router, Service, Streaming, memory};
use serde_json::value::RawValue;
use support::layers::Log;
use support::rest::{Lives, settles};
use support::{Raw, id_of};
use tracing_subscriber::filter::LevelFilter;

/// Answers with the name and the params; what is notified goes to the log.
fn echo(log: &Log) -> Router {
    let log = log.clone();
    Router::new().method("known", |_: Context, (): ()| async { Ok("known") }).fallback(
        move |cx: Context, method: String, params: RawParams| {
            assert_eq!(cx.method(), method);
            let text = params.as_str().unwrap_or("none").to_owned();
            if cx.is_notification() {
                log.add(format!("{method} {text}"));
            }
            async move {
                match &*method {
                    "wait" => std::future::pending().await,
                    "fail" => {
                        let data = RawValue::from_string(r#"{"a": 1.0}"#.into()).unwrap();
                        Err(ErrorObject::new(7, "no").with_data(&data))
                    }
                    _ => Ok((method, text)),
                }
            }
        },
    )
}

fn connect(log: &Log) -> Raw {
    Raw::connect(echo(log), Limits::server()).0
}

#[tokio::test(start_paused = true)]
async fn it_serves_requests_and_notifications_that_nobody_else_does() {
    let log = Log::default();
    let mut raw = connect(&log);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"known"}
<-- {"jsonrpc":"2.0","id":1,"result":"known"}
--> {"jsonrpc":"2.0","id":"a","method":"Other.x y\n","params":{"b":1.0,"a":[ 1e0 ]}}
<-- {"jsonrpc":"2.0","id":"a","result":["Other.x y\n","{\"b\":1.0,\"a\":[ 1e0 ]}"]}
--> {"jsonrpc":"2.0","id":2,"method":"","params":null}
<-- {"jsonrpc":"2.0","id":2,"result":["","none"]}
--> {"jsonrpc":"2.0","method":"Other.event","params":[1, 2]}
--> {"jsonrpc":"2.0","method":"Other.event"}
--> {"jsonrpc":"2.0","id":3,"method":"fail"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":7,"message":"no","data":{"a":1.0}}}
--> [{"jsonrpc":"2.0","id":4,"method":"x"},{"jsonrpc":"2.0","method":"y"},{"jsonrpc":"2.0","id":5,"method":"known"}]
<-- [{"jsonrpc":"2.0","id":4,"result":["x","none"]},{"jsonrpc":"2.0","id":5,"result":"known"}]
--> {"jsonrpc":"2.0","id":6,"method":"wait","timeoutMs":50}
<-- {"jsonrpc":"2.0","id":6,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
--> {"jsonrpc":"2.0","id":7,"method":"wait"}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}
<-- {"jsonrpc":"2.0","id":7,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
"#,
    )
    .await;
    assert_eq!(log.take(), ["Other.event [1, 2]", "Other.event none", "y none"]);
}

#[tokio::test(start_paused = true)]
async fn names_that_are_ours_do_not_reach_it_and_those_of_an_application_do() {
    let log = Log::default();
    let mut raw = connect(&log);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"rpc.discover"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no method `rpc.discover`"}}
--> {"jsonrpc":"2.0","id":2,"method":"$/ping"}
<-- {"jsonrpc":"2.0","id":2,"result":null}
--> {"jsonrpc":"2.0","id":3,"method":"$/credit"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no method `$/credit`"}}
--> {"jsonrpc":"2.0","method":"$/progress","params":{"token":"x","value":1}}
--> {"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"x"}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"x","result":1}}
--> {"jsonrpc":"2.0","method":"rpc.event"}
--> {"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"off"}}
--> {"jsonrpc":"2.0","id":4,"method":"$/logTrace"}
<-- {"jsonrpc":"2.0","id":4,"result":["$/logTrace","none"]}
"#,
    )
    .await;
    assert_eq!(log.take(), [r#"$/setTrace {"value":"off"}"#]);
}

#[tokio::test(start_paused = true)]
async fn unknown_notifications_in_our_namespace_are_ignored_without_it() {
    let (mut raw, _peer) = Raw::connect(Router::new(), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"$/setTrace"}
--> {"jsonrpc":"2.0","method":"else"}
--> {"jsonrpc":"2.0","id":1,"method":"else"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no method `else`"}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn its_params_are_read_as_those_of_a_method() {
    #[derive(serde::Deserialize)]
    struct Point {
        x: i64,
        y: Option<i64>,
    }
    let router = Router::new().fallback(|_: Context, _: String, params: RawParams| async move {
        let Point { x, y } = params.parse()?;
        Ok((x, y))
    });
    let (mut raw, _peer) = Raw::connect(router, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"a","params":[1]}
<-- {"jsonrpc":"2.0","id":1,"result":[1,null]}
--> {"jsonrpc":"2.0","id":2,"method":"a","params":{"y":2,"x":1}}
<-- {"jsonrpc":"2.0","id":2,"result":[1,2]}
--> {"jsonrpc":"2.0","id":3,"method":"a","params":{"x":1,"z":2}}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"unknown parameter `z`"}}
"#,
    )
    .await;
}

#[test]
fn there_is_one_and_a_second_one_is_a_mistake() {
    let fallback =
        || Router::new().fallback(|_: Context, _: String, _: RawParams| async { Ok(()) });
    assert!(fallback().check().is_ok());
    let error = fallback().service(fallback()).check().unwrap_err().to_string();
    assert_eq!(error, "a second fallback: a router has one, with the services that it joins");
}

#[test]
fn there_is_one_for_notifications_beside_it() {
    let events = || Router::new().notification_fallback(|_, _, _| async {});
    let both = || events().fallback(|_, _, _| async { Ok(()) });
    assert!(both().check().is_ok());
    let error = both().service(events()).check().unwrap_err().to_string();
    assert_eq!(
        error,
        "a second notification fallback: a router has one, with the services that it joins"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fallback_for_notifications_leaves_requests_unanswered_by_it() {
    let log = Log::default();
    let events = log.clone();
    let events = Router::new()
        .notification_fallback(move |cx: Context, method: String, params: RawParams| {
            assert!(cx.is_notification());
            events.add(format!("event {method} {}", params.as_str().unwrap_or("none")));
            std::future::ready(())
        })
        .method("known", |_: Context, (): ()| async { Ok("known") });
    let (mut raw, _peer) = Raw::connect(Router::new().service(events), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"Other.event","params":[1]}
--> {"jsonrpc":"2.0","id":1,"method":"Other.event"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no method `Other.event`"}}
--> {"jsonrpc":"2.0","id":2,"method":"known"}
<-- {"jsonrpc":"2.0","id":2,"result":"known"}
--> {"jsonrpc":"2.0","method":"known"}
--> {"jsonrpc":"2.0","method":"rpc.event"}
--> {"jsonrpc":"2.0","method":"$/credit"}
--> [{"jsonrpc":"2.0","method":"in.batch"},{"jsonrpc":"2.0","id":3,"method":"in.batch"}]
<-- [{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no method `in.batch`"}}]
"#,
    )
    .await;
    assert_eq!(log.take(), ["event Other.event [1]", "event in.batch none"]);
}

#[tokio::test(start_paused = true)]
async fn beside_a_fallback_for_notifications_the_fallback_serves_the_requests() {
    let log = Log::default();
    let events = log.clone();
    let router =
        echo(&log).notification_fallback(move |_: Context, method: String, _: RawParams| {
            events.add(format!("event {method}"));
            std::future::ready(())
        });
    let (mut raw, _peer) = Raw::connect(router, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"x"}
--> {"jsonrpc":"2.0","id":1,"method":"x"}
<-- {"jsonrpc":"2.0","id":1,"result":["x","none"]}
"#,
    )
    .await;
    assert_eq!(log.take(), ["event x"]);
}

/// A service that is written by hand.
struct ByHand([MethodInfo; 1]);

impl Service for ByHand {
    fn methods(&self) -> &[MethodInfo] {
        &self.0
    }

    fn call(&self, _: usize, cx: &Context, params: Params<'_>) -> Handler {
        let said = format!("{} {:?}", cx.method(), params.as_str());
        Handler::new(async move { Ok::<_, std::convert::Infallible>(said) })
    }
}

#[tokio::test(start_paused = true)]
async fn it_may_belong_to_a_service_within_and_serves_what_the_whole_router_does_not_offer() {
    let by_hand = ByHand([MethodInfo::new("*", MethodKind::Fallback)]);
    let within = Router::new().service(by_hand.layer(Concurrency::new(1)));
    let router = Router::new()
        .service(within.layer(Timeout::new(Duration::from_secs(1))))
        .method("later", |_: Context, (): ()| async { Ok(1) });
    router.check().unwrap();
    let (mut raw, _peer) = Raw::connect(router, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"later"}
<-- {"jsonrpc":"2.0","id":1,"result":1}
--> {"jsonrpc":"2.0","id":2,"method":"else","params":[1]}
<-- {"jsonrpc":"2.0","id":2,"result":"else Some(\"[1]\")"}
--> {"jsonrpc":"2.0","id":3,"method":"*"}
<-- {"jsonrpc":"2.0","id":3,"result":"* None"}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn layers_see_the_name_that_was_sent() {
    let seen = support::log::Log::default();
    let _guard = tracing::subscriber::set_default(seen.subscriber(LevelFilter::INFO));
    let layers = Layers::new()
        .layer(AccessLog::new())
        .layer(Authorize::new(|cx, method| {
            assert_eq!((&*method.name, &method.kind), ("*", &MethodKind::Fallback));
            cx.method() != "secret"
        }))
        .layer(Timeout::new(Duration::MAX).method("wait", Duration::from_millis(5)));
    let (mut raw, _peer) = Raw::connect_within(echo(&Log::default()), layers);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"secret"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32013,"message":"not authorized for this method","data":{"kind":"not_authorized"}}}
--> {"jsonrpc":"2.0","id":2,"method":"wait"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
--> {"jsonrpc":"2.0","id":3,"method":"two\nlines"}
<-- {"jsonrpc":"2.0","id":3,"result":["two\nlines","none"]}
"#,
    )
    .await;
    let text = seen.text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("secret") && text.contains(r"two\\nlines"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn statistics_do_not_grow_by_names_that_peers_choose() {
    let (mut raw, peer) = Raw::connect(echo(&Log::default()), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#).await;
    settles(|| peer.stats().in_flight == 1).await;
    assert_eq!(peer.stats().serving[0].0, "*");
}

#[tokio::test(start_paused = true)]
async fn limits_hold_for_it_and_so_does_a_shutdown() {
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let log = Log::default();
    let (mut raw, peer) = Raw::connect(echo(&log), limits);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"wait"}
--> {"jsonrpc":"2.0","id":2,"method":"else"}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32009,"message":"busy: not executed, `inflight_requests` is reached","data":{"kind":"busy"}}}
"#,
    )
    .await;
    let news = GoAway::new("bye");
    peer.drain(rpc_core::CloseCode::GOING_AWAY, &news, Duration::from_secs(60));
    assert!(raw.receive().await.contains("$/goaway"));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":3,"method":"else"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32009,"message":"busy: not executed, the server is shutting down","data":{"kind":"busy"}}}
--> {"jsonrpc":"2.0","method":"else"}
"#,
    )
    .await;
    assert_eq!((log.take().len(), peer.stats().counters.dropped), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_guest_does_not_get_there() {
    let log = Log::default();
    let endpoint = Endpoint::new(
        EndpointConfig::new(echo(&log), Limits::server()).with(|config| config.keepalive = false),
    );
    let (limits, places) = (Limits::server().for_a_guest(), Arc::<AtomicUsize>::default());
    let login = Duration::from_secs(10);
    let missing = endpoint.require_login(&["*".into()], limits.clone(), login, ());
    assert!(missing.is_err(), "a name that nobody offers is no name for a guest");
    endpoint.require_login(&["known".into()], limits, login, Lives::new(&places)).unwrap();
    let (near, far) = memory::transports(1 << 20);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"else"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32013,"message":"not authorized for this method","data":{"kind":"not_authorized"}}}
--> {"jsonrpc":"2.0","method":"else"}
"#,
    )
    .await;
    assert!(peer.log_in(()) && log.take().is_empty());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":2,"method":"else"}
<-- {"jsonrpc":"2.0","id":2,"result":["else","none"]}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn items_reach_it_only_if_nobody_here_has_or_had_their_stream() {
    let log = Log::default();
    let router = echo(&log).subscription("ticks", "stop_ticks", |_: Context, (): ()| async {
        Ok(Streaming::new(futures_util::stream::pending::<u8>()))
    });
    let (mut raw, peer) = Raw::connect(router, Limits::client());
    let call = peer.subscribe::<u8>("feed", "unfeed", ()).start();
    let request = raw.receive().await;
    // Early ones are kept for the stream that may be about to begin.
    raw.notify("event", r#"{"subscription":"s","result":1}"#).await;
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":"s"}}"#, id_of(&request))).await;
    let mut stream: Streaming<u8> = call.await.unwrap();
    raw.notify("event", r#"{"subscription":"s","result":2}"#).await;
    let next = |stream: &mut Streaming<u8>| {
        futures_util::FutureExt::now_or_never(futures_util::StreamExt::next(stream))
    };
    settles(|| peer.stats().subscriptions == 1).await;
    assert!(matches!(next(&mut stream), Some(Some(Ok(1)))));
    // What is under way when the stream was dropped is for nobody.
    drop(stream);
    let unsubscribe = raw.receive().await;
    assert!(unsubscribe.contains("unfeed"), "{unsubscribe}");
    raw.notify("event", r#"{"subscription":"s","result":3}"#).await;
    // An item that has the name of a subscription that this end offers.
    raw.notify("ticks", r#"{"subscription":"x","result":3}"#).await;
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":true}}"#, id_of(&unsubscribe))).await;
    // One that was subscribed by hand, as a bridge does.
    raw.notify("event", r#"{"subscription":"raw","result":4}"#).await;
    assert!(raw.is_silent().await);
    assert_eq!(log.take(), [r#"event {"subscription":"raw","result":4}"#]);
}

#[tokio::test(start_paused = true)]
async fn a_key_names_one_call_of_one_name() {
    let runs = Arc::<AtomicUsize>::default();
    let count = runs.clone();
    let router = Router::new().fallback(move |_: Context, _: String, _: RawParams| {
        std::future::ready(Ok(count.fetch_add(1, Ordering::SeqCst)))
    });
    let (mut raw, _peer) = Raw::connect(router, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"pay","params":[1],"idempotencyKey":"a"}
<-- {"jsonrpc":"2.0","id":1,"result":0}
--> {"jsonrpc":"2.0","id":2,"method":"pay","params":[1],"idempotencyKey":"a"}
<-- {"jsonrpc":"2.0","id":2,"result":0}
--> {"jsonrpc":"2.0","id":3,"method":"refund","params":[1],"idempotencyKey":"a"}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"`idempotencyKey` was used for another call, or for other params"}}
"#,
    )
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
