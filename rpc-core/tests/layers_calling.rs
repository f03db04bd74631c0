//! Layers around what is called.

mod support;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rpc_core::layers::{Answer, CallFuture, CallNext, CallRequest, Layer, Layers};
use rpc_core::transport::{Endpoint, EndpointConfig, Hello, PeerRegistry};
use rpc_core::{
    CallError, CloseCode, Context, ErrorObject, Fate, Limits, NotifyError, Peer, Router, RpcError,
    TraceContext, memory, service,
};
use support::Raw;
use support::layers::{Around, Log};
use tokio::sync::Semaphore;
use tokio::time::Instant;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn around<F>(call: F) -> Around<F>
where
    F: Fn(CallRequest, CallNext) -> CallFuture + Send + Sync + 'static,
{
    Around(call)
}

/// Connects a raw end to one whose calls go through `layers`.
fn connect(layers: Layers) -> (Raw, Peer) {
    connect_with(Router::new(), layers)
}

fn connect_with(services: Router, layers: Layers) -> (Raw, Peer) {
    let mut config = EndpointConfig::new(services, Limits::client());
    config.layers = layers;
    connect_to(config)
}

fn connect_to(config: EndpointConfig) -> (Raw, Peer) {
    Raw::connect_as(config, 64 * 1024)
}

fn one(layer: impl Layer) -> Layers {
    Layers::new().layer(layer)
}

/// A layer that tells what it sees.
fn telling(log: &Log, name: &'static str) -> impl Layer + use<> {
    let log = log.clone();
    around(move |request, next| {
        let log = log.clone();
        let params = request.params().unwrap_or_default();
        log.add(format!("{name} {}{params}", request.method()));
        let called = next.call(request);
        CallFuture::from_future(async move {
            let answer = called.await;
            match &answer {
                Ok(answer) => log.add(format!("{name} {:?}", answer.json())),
                Err(error) => log.add(format!("{name} {error}")),
            }
            answer
        })
    })
}

/// Polls it once.
async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// Waits for a permit before the call goes on.
fn waiting(permits: &Arc<Semaphore>) -> impl Layer + use<> {
    let permits = permits.clone();
    around(move |request, next| {
        let permits = permits.clone();
        CallFuture::from_future(async move {
            let _permit = permits.acquire().await.expect("nobody closes it");
            next.call(request).await
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_layer_sees_each_call_with_its_params_and_its_answer() {
    let log = Log::default();
    let (mut raw, peer) =
        connect(Layers::new().layer(telling(&log, "a")).layer(telling(&log, "b")));
    let call = peer.call::<u8>("m", (1, "x")).start();
    raw.play(
        r#"
<-- {"jsonrpc":"2.0","id":1,"method":"m","params":[1,"x"],"timeoutMs":30000}
--> {"jsonrpc":"2.0","id":1,"result":5}
"#,
    )
    .await;
    assert_eq!(call.await, Ok(5));
    let call = peer.call::<u8>("n", ()).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"no"}}"#).await;
    assert_eq!(call.await, Err(CallError::Remote(ErrorObject::new(1, "no"))));
    assert_eq!(
        log.take(),
        [
            "a m[1,\"x\"]",
            "b m[1,\"x\"]",
            "b Some(\"5\")",
            "a Some(\"5\")",
            "a n",
            "b n",
            "b no (code 1)",
            "a no (code 1)"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn layers_of_one_connection_are_within_those_of_all() {
    let log = Log::default();
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.layers = one(telling(&log, "all"));
    let endpoint = Endpoint::new(config);
    endpoint.add_layer(telling(&log, "one"));
    drop(endpoint.peer().call::<u8>("m", ()).start());
    assert_eq!(log.take(), ["all m", "one m"]);
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_change_all_that_is_sent() {
    let layer = around(|mut request: CallRequest, next| {
        assert_eq!((request.trace(), request.idempotency_key()), (None, Some("own")));
        assert!(!request.is_notification() && !request.is_subscription());
        assert!(request.set_idempotency_key("").is_err());
        request.set_idempotency_key("key").unwrap();
        request.set_trace(TraceContext::new(PARENT, None).unwrap());
        request.set_deadline(Some(Instant::now() + Duration::from_secs(2)));
        assert!(matches!(request.set_params(&1), Err(CallError::Encode(_))));
        let long = request.set_params(&("x".repeat(2_000_000),));
        assert!(
            matches!(long, Err(CallError::Encode(why)) if why.message().contains("`message_out`"))
        );
        request.set_params(&("changed",)).unwrap();
        next.call(request)
    });
    let (mut raw, peer) = connect(one(layer));
    let _call = peer.call::<u8>("m", (1,)).idempotency_key("own").start();
    raw.play(&format!(
        r#"<-- {{"jsonrpc":"2.0","id":1,"method":"m","params":["changed"],"timeoutMs":2000,"traceparent":"{PARENT}","idempotencyKey":"key"}}"#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_plain_end_sends_nothing_that_a_layer_sets() {
    let layer = around(|mut request: CallRequest, next| {
        request.set_trace(TraceContext::new(PARENT, None).unwrap());
        next.call(request)
    });
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.layers = one(layer);
    config.hello = Hello::Never;
    let (mut raw, peer) = connect_to(config);
    let _call = peer.call::<u8>("m", ()).start();
    peer.notify("n", ()).await.unwrap();
    for method in ["m", "n"] {
        let mut message: serde_json::Value = serde_json::from_str(&raw.receive().await).unwrap();
        message.as_object_mut().unwrap().remove("id");
        assert_eq!(message, serde_json::json!({"jsonrpc": "2.0", "method": method}));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_of_a_call_reaches_its_layers() {
    let log = Log::default();
    let layer = {
        let log = log.clone();
        around(move |request: CallRequest, next| {
            let left = request.deadline().map(|deadline| deadline - Instant::now());
            let (key, is_idempotent) = (request.idempotency_key(), request.is_idempotent());
            log.add(format!("{left:?} {key:?} {is_idempotent}"));
            next.call(request)
        })
    };
    let (_raw, peer) = connect(one(layer));
    let calls = [
        peer.call::<u8>("m", ()),
        peer.call::<u8>("m", ()).timeout(Duration::from_secs(1)).idempotency_key("k"),
        peer.call::<u8>("m", ()).no_timeout().idempotent(),
        peer.call::<u8>("m", ()).timeout(Duration::MAX),
    ];
    assert_eq!(log.take(), [""; 0], "nothing happens before the start");
    let _calls = calls.map(|call| call.start());
    let asked =
        ["Some(30s) None false", "Some(1s) Some(\"k\") false", "None None true", "None None false"];
    assert_eq!(log.take(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_refuse_or_answer_and_nothing_is_sent() {
    let layer = around(|request: CallRequest, next| match request.method() {
        "cached" => CallFuture::ready(Answer::result(&7)),
        "refused" => CallFuture::ready(Err(CallError::Busy)),
        "unfit" => CallFuture::ready(Answer::result("text")),
        _ => next.call(request),
    });
    let (mut raw, peer) = connect(one(layer));
    assert_eq!(peer.call::<u8>("cached", ()).await, Ok(7));
    assert_eq!(peer.call::<u8>("cached", ()).start().await, Ok(7));
    assert_eq!(peer.call::<u8>("refused", ()).await, Err(CallError::Busy));
    assert!(matches!(peer.call::<u8>("unfit", ()).await, Err(CallError::Decode(_))));
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_try_again_within_the_same_time() {
    let layer = around(|request: CallRequest, next| {
        CallFuture::from_future(async move {
            loop {
                match next.call(request.clone()).await {
                    Err(CallError::Busy) => tokio::time::sleep(Duration::from_secs(4)).await,
                    other => return other,
                }
            }
        })
    });
    let (mut raw, peer) = connect(one(layer));
    let call = tokio::spawn(peer.call::<u8>("m", ()).timeout(Duration::from_secs(10)));
    let busy = r#""error":{"code":-32009,"message":"m","data":{"kind":"busy"}}}"#;
    for (id, left) in [(1, 10_000), (2, 6000), (3, 2000)] {
        let request = raw.receive().await;
        assert!(request.contains(&format!(r#""id":{id},"timeoutMs":{left}"#)), "{request}");
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{busy}"#)).await;
    }
    assert_eq!(call.await.unwrap(), Err(CallError::Timeout { fate: Fate::NotSent, heard: None }));
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn typed_errors_come_through_layers() {
    #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
    enum Failed {
        #[error("{0} is too many")]
        #[rpc(code = 5)]
        TooMany(u32),
    }
    #[service]
    trait Shop {
        fn order(&self, count: u32) -> Result<u32, Failed>;
    }
    struct Small;
    impl Shop for Small {
        fn order(&self, count: u32) -> Result<u32, Failed> {
            if count > 1 { Err(Failed::TooMany(count)) } else { Ok(count) }
        }
    }
    let log = Log::default();
    let (near, far) = memory::transports(1024);
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.layers = one(telling(&log, "a"));
    let client = Endpoint::new(config);
    let server =
        EndpointConfig::new(Router::new().service(ShopServer::new(Small)), Limits::server());
    let shop = ShopClient::new(client.peer());
    tokio::spawn(client.connect(near));
    tokio::spawn(Endpoint::new(server).connect(far));
    assert_eq!(shop.order(1).await, Ok(1));
    assert_eq!(shop.order(2).await, Err(CallError::Method(Failed::TooMany(2))));
    assert_eq!(log.take()[3], "a 2 is too many (code 5)");
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_waits_delays_a_call_until_it_is_polled() {
    let permits = Arc::new(Semaphore::new(1));
    let (mut raw, peer) = connect(one(waiting(&permits)));
    let first = peer.call::<u8>("first", ()).start();
    assert!(raw.receive().await.contains("\"first\""), "it need not wait");
    let second = peer.call::<u8>("second", ()).start();
    assert!(raw.is_silent().await);
    drop(first);
    assert!(raw.receive().await.contains("cancelRequest"));
    assert!(raw.is_silent().await, "nobody polls it");
    let second = tokio::spawn(second);
    assert!(raw.receive().await.contains("\"second\""));
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":2}"#).await;
    assert_eq!(second.await.unwrap(), Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_cancelled_through_its_layers() {
    let log = Log::default();
    let permits = Arc::new(Semaphore::new(1));
    let (mut raw, peer) = connect(one(telling(&log, "a")).layer(waiting(&permits)));
    drop(peer.call::<u8>("m", ()));
    assert!(log.take().is_empty());

    let sent = peer.call::<u8>("m", ()).start();
    let waits = peer.call::<u8>("m", ()).start();
    raw.receive().await;
    drop(waits);
    assert!(raw.is_silent().await);
    drop(sent);
    assert!(raw.receive().await.contains("cancelRequest"));
    assert_eq!((peer.stats().pending, permits.available_permits()), (0, 1));
    assert_eq!(log.take(), ["a m", "a m"], "nothing came of either");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_comes_through_with_its_fate() {
    let log = Log::default();
    let (mut raw, peer) = connect(one(telling(&log, "a")));
    let sent = peer.call::<u8>("m", ()).start();
    raw.receive().await;
    peer.close(CloseCode::NORMAL, "");
    peer.closed().await;
    assert_eq!(sent.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
    let late = peer.call::<u8>("m", ()).await;
    assert_eq!(late.unwrap_err().fate(), Some(Fate::NotSent));
    let late = peer.notify("m", ()).await;
    assert!(matches!(late, Err(NotifyError::Closed { .. })));
    assert_eq!(log.take().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_goes_through() {
    let log = Log::default();
    let layer = {
        let log = log.clone();
        around(move |request: CallRequest, next| {
            let log = log.clone();
            assert!(request.is_subscription());
            CallFuture::from_future(async move {
                let answer = next.call(request).await?;
                log.add(format!("{} {:?}", answer.is_stream(), answer.json()));
                Ok(answer)
            })
        })
    };
    let (mut raw, peer) = connect(one(layer));
    let subscribe = tokio::spawn(peer.subscribe::<u8>("ticks", "untick", ()));
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"s"}"#).await;
    let mut ticks = subscribe.await.unwrap().unwrap();
    raw.send(r#"{"jsonrpc":"2.0","method":"ticks","params":{"subscription":"s","result":1}}"#)
        .await;
    assert_eq!(futures_util::StreamExt::next(&mut ticks).await, Some(Ok(1)));
    assert_eq!(log.take(), ["true None"]);
    drop(ticks);
    assert!(raw.receive().await.contains("\"untick\""));
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_drops_a_stream_unsubscribes() {
    let layer = around(|request: CallRequest, next| {
        CallFuture::from_future(async move {
            drop(next.call(request).await?);
            Err(CallError::Busy)
        })
    });
    let (mut raw, peer) = connect(one(layer));
    let subscribe = tokio::spawn(peer.subscribe::<u8>("ticks", "untick", ()));
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"s"}"#).await;
    assert!(raw.receive().await.contains("\"untick\""));
    assert!(matches!(subscribe.await.unwrap(), Err(CallError::Busy)));
}

#[tokio::test(start_paused = true)]
async fn members_of_a_batch_go_through_and_leave_together() {
    let log = Log::default();
    let (mut raw, peer) = connect(one(telling(&log, "a")));
    let batch = peer.batch();
    let first = batch.call::<u8>("first", (1,)).timeout(Duration::from_secs(1));
    batch.notify("note", ()).unwrap();
    let second = batch.call::<u8>("second", ()).no_timeout().idempotency_key("k");
    let dropped = batch.call::<u8>("dropped", ());
    let early = batch.call::<u8>("early", ());
    drop(dropped);
    assert_eq!(early.await, Err(CallError::Cancelled { fate: Fate::NotSent }));
    assert_eq!(log.take(), ["a note", "a Some(\"null\")"], "a call starts with its batch");
    batch.send().await.unwrap();
    raw.play(
        r#"
<-- [{"jsonrpc":"2.0","id":1,"method":"first","params":[1],"timeoutMs":1000},{"jsonrpc":"2.0","method":"note"},{"jsonrpc":"2.0","id":2,"method":"second","idempotencyKey":"k"}]
--> [{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":2,"result":2}]
"#,
    )
    .await;
    assert_eq!((second.await, first.await), (Ok(2), Ok(1)));
    assert_eq!(log.take(), ["a first[1]", "a second", "a Some(\"2\")", "a Some(\"1\")"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_keeps_is_left_out_of_the_batch() {
    let permits = Arc::new(Semaphore::new(0));
    let wait = waiting(&permits);
    let layer = around(move |request: CallRequest, next| match request.method() {
        "waits" | "note" => wait.call(request, next),
        "cached" => CallFuture::ready(Answer::result(&7)),
        "given_up" => CallFuture::from_future(async move {
            let mut called = pin!(next.call(request));
            assert!(is_pending(&mut called).await);
            Err(CallError::Busy)
        }),
        _ => next.call(request),
    });
    let (mut raw, peer) = connect(one(layer));
    let batch = peer.batch();
    let waits = batch.call::<u8>("waits", ());
    let cached = batch.call::<u8>("cached", ());
    let given_up = batch.call::<u8>("given_up", ());
    let sent = batch.call::<u8>("sent", ());
    assert_eq!(batch.notify("note", ()), Err(NotifyError::Full), "nobody would poll it again");
    batch.send().await.unwrap();
    raw.play(
        r#"
<-- [{"jsonrpc":"2.0","id":1,"method":"sent","timeoutMs":30000}]
--> [{"jsonrpc":"2.0","id":1,"result":1}]
"#,
    )
    .await;
    assert_eq!((sent.await, cached.await), (Ok(1), Ok(7)));
    assert_eq!(given_up.await, Err(CallError::Busy));
    permits.add_permits(1);
    assert_eq!(waits.await, Err(CallError::Cancelled { fate: Fate::NotSent }));
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_member_of_a_batch_that_is_tried_again_leaves_alone() {
    let layer = around(|request: CallRequest, next| {
        assert!(request.is_in_batch());
        let (first, again) = (next.call(request.clone()), request);
        CallFuture::from_future(async move {
            match first.await {
                Err(CallError::Busy) => next.call(again).await,
                other => other,
            }
        })
    });
    let (mut raw, peer) = connect(one(layer));
    let batch = peer.batch();
    let call = batch.call::<u8>("m", ()).no_timeout();
    batch.send().await.unwrap();
    let call = tokio::spawn(call);
    raw.play(
        r#"
<-- [{"jsonrpc":"2.0","id":1,"method":"m"}]
--> [{"jsonrpc":"2.0","id":1,"error":{"code":-32009,"message":"m","data":{"kind":"busy"}}}]
<-- {"jsonrpc":"2.0","id":2,"method":"m"}
--> {"jsonrpc":"2.0","id":2,"result":2}
"#,
    )
    .await;
    assert_eq!(call.await.unwrap(), Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_layered_batch_that_is_dropped_or_closed_was_not_sent() {
    let log = Log::default();
    let (_raw, peer) = connect(one(telling(&log, "a")));
    let batch = peer.batch();
    let call = batch.call::<u8>("m", ());
    drop(batch);
    assert_eq!(call.await, Err(CallError::Cancelled { fate: Fate::NotSent }));
    let batch = peer.batch();
    let call = batch.call::<u8>("m", ());
    peer.close(CloseCode::NORMAL, "");
    peer.closed().await;
    assert!(batch.send().await.is_err());
    assert_eq!(call.await.unwrap_err().fate(), Some(Fate::NotSent));
    assert_eq!(log.take().len(), 2, "the first was never begun");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_member_of_a_batch_is_cancelled() {
    let log = Log::default();
    let (mut raw, peer) = connect(one(telling(&log, "a")));
    let batch = peer.batch();
    let call = batch.call::<u8>("m", ());
    batch.send().await.unwrap();
    raw.receive().await;
    drop(call);
    assert!(raw.receive().await.contains("cancelRequest"));
    assert_eq!(peer.stats().pending, 0);
}

/// Such a layer polls the call again only when the call wakes it.
#[tokio::test(start_paused = true)]
async fn a_layer_may_wait_for_members_of_a_batch_in_a_set() {
    let layer = around(|request: CallRequest, next| {
        let mut set: FuturesUnordered<_> = [next.call(request)].into_iter().collect();
        CallFuture::from_future(async move { set.next().await.expect("one call") })
    });
    let (mut raw, peer) = connect(one(layer));
    let batch = peer.batch();
    let call = batch.call::<u8>("m", ()).no_timeout();
    batch.send().await.unwrap();
    let call = tokio::spawn(call);
    raw.play(
        r#"
<-- [{"jsonrpc":"2.0","id":1,"method":"m"}]
--> [{"jsonrpc":"2.0","id":1,"result":2}]
"#,
    )
    .await;
    let answer = tokio::time::timeout(Duration::from_secs(1), call).await;
    assert_eq!(answer.expect("the set was woken").unwrap(), Ok(2));
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_group_go_through_and_pushes_do_not() {
    let log = Log::default();
    let registry = PeerRegistry::new();
    let mut config = EndpointConfig::new(Router::new(), Limits::server());
    (config.registry, config.layers) = (registry.clone(), one(telling(&log, "a")));
    let mut ends = [connect_to(config.clone()), connect_to(config)];
    for (_, peer) in &ends {
        peer.join_group("all").unwrap();
    }
    assert_eq!(registry.group("all").notify("news", ()).await, Ok(2));
    assert!(log.take().is_empty());
    let answers = tokio::spawn(futures_util::StreamExt::collect::<Vec<_>>(
        registry.group("all").call::<u8>("m", ()),
    ));
    for (raw, _) in &mut ends {
        assert!(raw.receive().await.contains("\"news\""));
        assert!(raw.receive().await.contains("\"m\""));
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    }
    assert!(answers.await.unwrap().iter().all(|(_, answer)| *answer == Ok(1)));
    assert_eq!(log.take().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn notifications_go_through() {
    let log = Log::default();
    let refusing = around(|mut request: CallRequest, next| {
        assert!(request.is_notification() && request.deadline().is_none());
        match request.method() {
            "refused" => CallFuture::ready(Err(CallError::Remote(ErrorObject::new(1, "not now")))),
            "dropped" => CallFuture::ready(Answer::result(&())),
            _ => {
                request.set_params(&(2,)).unwrap();
                next.call(request)
            }
        }
    });
    let (mut raw, peer) = connect(one(telling(&log, "a")).layer(refusing));
    drop(peer.notify("unpolled", ()));
    assert!(log.take().is_empty());
    peer.notify("m", (1,)).await.unwrap();
    peer.try_notify("n", (1,)).unwrap();
    raw.play(
        r#"
<-- {"jsonrpc":"2.0","method":"m","params":[2]}
<-- {"jsonrpc":"2.0","method":"n","params":[2]}
"#,
    )
    .await;
    assert_eq!(log.take(), ["a m[1]", "a Some(\"null\")", "a n[1]", "a Some(\"null\")"]);
    assert_eq!(peer.notify("dropped", ()).await, Ok(()));
    let refused = NotifyError::Refused("not now".into());
    assert_eq!(peer.notify("refused", ()).await, Err(refused.clone()));
    assert_eq!(peer.try_notify("refused", ()), Err(refused.clone()));
    assert_eq!(peer.batch().notify("refused", ()), Err(refused));
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn what_must_be_sent_now_waits_in_no_layer() {
    let permits = Arc::new(Semaphore::new(0));
    let (mut raw, peer) = connect(one(waiting(&permits)));
    assert_eq!(peer.try_notify("m", ()), Err(NotifyError::Full));
    let waits = tokio::spawn(peer.notify("m", ()));
    assert!(raw.is_silent().await);
    permits.add_permits(1);
    raw.receive().await;
    assert_eq!(waits.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_layered_notification_that_is_dropped_in_front_of_the_queue_is_not_sent() {
    let log = Log::default();
    let mut limits = Limits::client();
    limits.queue = 1000;
    let mut config = EndpointConfig::new(Router::new(), limits);
    config.layers = one(telling(&log, "a"));
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    peer.notify("full", ("x".repeat(1000),)).await.unwrap();
    let mut waits = Box::pin(peer.notify("m", ()));
    assert!(is_pending(&mut waits.as_mut()).await);
    assert_eq!(peer.try_notify("m", ()), Err(NotifyError::Full));
    drop(waits);
    let (near, far) = memory::transports(1024);
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    assert!(raw.receive().await.contains("\"full\""));
    assert!(raw.is_silent().await);
}

/// A handler's call through layers lends, and inherits deadline and trace, as any other.
#[tokio::test(start_paused = true)]
async fn a_handler_calls_through_layers_as_itself() {
    let log = Log::default();
    let traces = log.clone();
    let layer = around(move |request: CallRequest, next| {
        traces.add(format!("{:?}", request.trace().map(TraceContext::parent_id)));
        next.call(request)
    });
    let services = Router::new().method("ask", |cx: Context, (): ()| async move {
        cx.peer().notify("note", ()).await.unwrap();
        Ok(cx.peer().call::<u8>("back", ()).no_timeout().await?)
    });
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let mut config = EndpointConfig::new(services, limits);
    config.layers = one(layer);
    let (mut raw, _) = connect_to(config);
    raw.play(&format!(
        r#"
--> {{"jsonrpc":"2.0","id":1,"method":"ask","timeoutMs":2000,"traceparent":"{PARENT}"}}
<-- {{"jsonrpc":"2.0","method":"note","traceparent":"{PARENT}"}}
<-- {{"jsonrpc":"2.0","id":1,"method":"back","timeoutMs":2000,"traceparent":"{PARENT}"}}
--> {{"jsonrpc":"2.0","id":2,"method":"ask"}}
<-- {{"jsonrpc":"2.0","method":"note"}}
<-- {{"jsonrpc":"2.0","id":2,"method":"back"}}
--> {{"jsonrpc":"2.0","id":2,"result":2}}
<-- {{"jsonrpc":"2.0","id":2,"result":2}}
--> {{"jsonrpc":"2.0","id":1,"result":1}}
<-- {{"jsonrpc":"2.0","id":1,"result":1}}
"#
    ))
    .await;
    let some = "Some(\"b7ad6b7169203331\")";
    assert_eq!(log.take(), [some, some, "None", "None"]);
}

/// As a tracing layer does, whose span lies between the handler's and that of whoever is called.
#[tokio::test(start_paused = true)]
async fn a_trace_that_a_layer_sets_wins_over_the_handlers() {
    let layer = around(|mut request: CallRequest, next| {
        let own = PARENT.replace("b7ad", "0000");
        assert_eq!(request.trace().map(TraceContext::traceparent), Some(PARENT));
        request.set_trace(TraceContext::new(&own, None).unwrap());
        next.call(request)
    });
    let services = Router::new().method("ask", |cx: Context, (): ()| async move {
        let batch = cx.peer().batch();
        let call = batch.call::<()>("in_batch", ()).no_timeout();
        batch.send().await.unwrap();
        call.await?;
        Ok(cx.peer().call::<u8>("back", ()).no_timeout().await?)
    });
    let (mut raw, _) = connect_with(services, one(layer));
    let own = PARENT.replace("b7ad", "0000");
    raw.play(&format!(
        r#"
--> {{"jsonrpc":"2.0","id":1,"method":"ask","traceparent":"{PARENT}"}}
<-- [{{"jsonrpc":"2.0","id":1,"method":"in_batch","traceparent":"{own}"}}]
--> {{"jsonrpc":"2.0","id":1,"result":null}}
<-- {{"jsonrpc":"2.0","id":2,"method":"back","traceparent":"{own}"}}
--> {{"jsonrpc":"2.0","id":2,"result":2}}
<-- {{"jsonrpc":"2.0","id":1,"result":2}}
"#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn calls_are_still_send_and_sync() {
    fn is<T: Send + Sync + 'static>(_: &T) {}
    let (_raw, peer) = connect(Layers::new());
    is(&peer.call::<u8>("m", ()));
    is(&peer.notify("m", ()));
}
