//! Subscriptions, offered and taken.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{
    CallError, CloseCode, Context, ErrorObject, Limits, Router, StreamError, Streaming, memory,
};
use serde_json::Value;
use support::Raw;

/// Counts the streams that are alive.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicI64>);

impl Alive {
    fn count(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn watch<S: Stream + Send + 'static>(
        &self,
        stream: S,
    ) -> impl Stream<Item = S::Item> + Send + use<S> {
        struct Guard(Alive);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.0.fetch_add(1, Ordering::SeqCst);
        let guard = Guard(self.clone());
        Box::pin(stream).map(move |item| {
            let _ = &guard;
            item
        })
    }
}

fn every(ms: u64) -> impl Stream<Item = u64> + Send {
    stream::unfold(0, move |n| async move {
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        Some((n, n + 1))
    })
}

fn services(alive: &Alive) -> Router {
    let [a, b, c] = [(); 3].map(|()| alive.clone());
    Router::new()
        .subscription("ticks", "unsubscribe_ticks", move |_: Context, (count, ms): (usize, u64)| {
            let alive = a.clone();
            async move { Ok(Streaming::new(alive.watch(every(ms).take(count)))) }
        })
        .subscription("failing", "unsubscribe_ticks", move |_: Context, (n,): (u64,)| {
            let alive = b.clone();
            async move {
                let items = stream::iter((0..n).map(Ok));
                let end = stream::iter([Err(ErrorObject::new(1, "feed lost")), Ok(99)]);
                Ok(Streaming::try_new(alive.watch(items.chain(end))))
            }
        })
        .subscription("slow", "unsubscribe_slow", move |_: Context, (ms,): (u64,)| {
            let alive = c.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(Streaming::new(alive.watch(every(10))))
            }
        })
        .subscription("refused", "unsubscribe_slow", |_: Context, (): ()| async {
            Err::<Streaming<u8>, _>(ErrorObject::new(5, "no"))
        })
        .subscription("panics", "unsubscribe_slow", |_: Context, (): ()| async {
            Ok(Streaming::new(stream::iter(0..2).map(|n| {
                assert!(n == 0, "secret");
                n
            })))
        })
        .method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) })
}

fn field(text: &str, pointer: &str) -> Value {
    let message: Value = serde_json::from_str(text).unwrap();
    message.pointer(pointer).cloned().unwrap_or(Value::Null)
}

#[tokio::test(start_paused = true)]
async fn the_answer_comes_first_and_then_the_items() {
    let alive = Alive::default();
    let (mut raw, peer) = Raw::connect(services(&alive), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":9,"method":"ticks","params":[3,0]}"#).await;
    let answer = raw.receive().await;
    assert_eq!(field(&answer, "/id"), 9);
    let id = field(&answer, "/result");
    assert!(id.as_str().unwrap().len() >= 22, "{id}: nobody can guess it");
    for n in 0..3 {
        let item = raw.receive().await;
        assert_eq!(field(&item, "/method"), "ticks");
        assert_eq!(field(&item, "/params/subscription"), id);
        assert_eq!(field(&item, "/params/result"), n);
        assert_eq!(field(&item, "/id"), Value::Null);
    }
    assert!(raw.is_silent().await, "a plain peer is not told of a normal end");
    assert_eq!((alive.count(), peer.stats().subscriptions, peer.stats().in_flight), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_ends_the_stream_visibly() {
    let (mut raw, peer) = Raw::connect(services(&Alive::default()), Limits::server());
    for (method, params, items, code) in [("failing", "[2]", 2, 1), ("panics", "[]", 1, -32603)] {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
            .await;
        raw.receive().await;
        for _ in 0..items {
            assert_ne!(field(&raw.receive().await, "/params/result"), Value::Null);
        }
        let end = raw.receive().await;
        assert_eq!(field(&end, "/params/error/code"), code);
        assert!(!end.contains("secret"));
        assert!(raw.is_silent().await);
    }
    assert_eq!(peer.stats().subscriptions, 0);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"refused"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"no"}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn unsubscribing_ends_a_stream_and_says_whether_there_was_one() {
    let alive = Alive::default();
    let (mut raw, _peer) = Raw::connect(services(&alive), Limits::server());
    for form in ["[ID]", r#"{"subscription":ID}"#] {
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks","params":[9999,1000]}"#).await;
        let id = field(&raw.receive().await, "/result").to_string();
        assert_eq!(alive.count(), 1);
        let params = form.replace("ID", &id);
        for expected in ["true", "false"] {
            raw.send(&format!(
                r#"{{"jsonrpc":"2.0","id":2,"method":"unsubscribe_ticks","params":{params}}}"#
            ))
            .await;
            assert_eq!(
                raw.receive().await,
                format!(r#"{{"jsonrpc":"2.0","id":2,"result":{expected}}}"#)
            );
        }
        assert_eq!(alive.count(), 0);
    }
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":3,"method":"unsubscribe_ticks","params":[7]}
<-- {"jsonrpc":"2.0","id":3,"result":false}
--> {"jsonrpc":"2.0","id":4,"method":"unsubscribe_ticks"}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"takes the id of a subscription"}}
--> {"jsonrpc":"2.0","id":5,"method":"unsubscribe_ticks","params":["a","b"]}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"takes the id of a subscription"}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_what_its_request_made_unless_the_id_was_used_again() {
    let alive = Alive::default();
    let (mut raw, _peer) = Raw::connect(services(&alive), Limits::server());
    let cancel = r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks","params":[9,1000]}"#).await;
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[1,1]}"#).await;
    raw.receive().await;
    raw.send(cancel).await;
    assert!(raw.is_silent().await);
    assert_eq!(alive.count(), 1);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks","params":[9,1000]}"#).await;
    raw.receive().await;
    assert_eq!(alive.count(), 2);
    raw.send(cancel).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(alive.count(), 1, "just the one that it made");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_gives_up_its_place_among_the_requests() {
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    limits.subscriptions = 2;
    let (mut raw, _peer) = Raw::connect(services(&Alive::default()), limits);
    for id in 1..=2 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ticks","params":[9,9999]}}"#))
            .await;
        assert!(raw.receive().await.contains("result"));
    }
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":3,"method":"ticks","params":[9,9999]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32006,"message":"no more than `subscriptions`, which is 2, on a connection","data":{"kind":"too_many_subscriptions"}}}
--> {"jsonrpc":"2.0","id":4,"method":"add","params":[1,2]}
<-- {"jsonrpc":"2.0","id":4,"result":3}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_of_a_batch_begins_after_the_batchs_answer() {
    let (mut raw, _peer) = Raw::connect(services(&Alive::default()), Limits::server());
    raw.send(
        r#"[{"jsonrpc":"2.0","id":1,"method":"ticks","params":[2,0]},
            {"jsonrpc":"2.0","id":2,"method":"slow","params":[50]}]"#,
    )
    .await;
    let answers: Vec<Value> = serde_json::from_str(&raw.receive().await).unwrap();
    assert_eq!(answers.len(), 2);
    for n in 0..2 {
        let item = raw.receive().await;
        assert_eq!(field(&item, "/params/subscription"), answers[0]["result"]);
        assert_eq!(field(&item, "/params/result"), n);
    }
    assert_eq!(field(&raw.receive().await, "/params/subscription"), answers[1]["result"]);
}

/// A stream that always has items sends as many as are read, while calls go on.
#[tokio::test(start_paused = true)]
async fn an_endless_stream_is_as_fast_as_its_reader() {
    let mut limits = Limits::server();
    limits.queue = 10_000;
    let (mut raw, peer) = Raw::connect_with(services(&Alive::default()), limits, 1000);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks","params":[1000000,0]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"ticks","params":[1000000,0]}"#).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(peer.stats().queue_bytes < 11_000, "{}", peer.stats().queue_bytes);
    raw.send(r#"{"jsonrpc":"2.0","id":3,"method":"add","params":[1,2]}"#).await;
    let (mut items, mut answered) = (Vec::new(), false);
    while items.len() < 1000 {
        let message = raw.receive().await;
        answered |= message.contains(r#""id":3"#);
        if message.contains("\"params\"") {
            items.push(field(&message, "/params/subscription"));
        }
    }
    assert!(answered);
    let of_first = items.iter().filter(|id| **id == items[0]).count();
    assert!((400..600).contains(&of_first), "the two share: {of_first} of 1000");
}

#[tokio::test(start_paused = true)]
async fn our_two_ends() {
    let alive = Alive::default();
    let (peer, other) = memory::pair(Router::new(), services(&alive));
    let mut ticks = peer.subscribe::<u64>("ticks", "unsubscribe_ticks", (500, 0)).await.unwrap();
    for n in 0..500 {
        assert_eq!(ticks.next().await, Some(Ok(n)));
    }
    assert_eq!(peer.stats().subscriptions, 1);
    drop(ticks);
    let mut failing = peer.subscribe::<u64>("failing", "unsubscribe_ticks", (1,)).await.unwrap();
    assert_eq!(failing.next().await, Some(Ok(0)));
    let error = StreamError::Remote(ErrorObject::new(1, "feed lost"));
    assert_eq!(failing.next().await, Some(Err(error)));
    assert_eq!(failing.next().await, None);
    drop(failing);
    let refused = peer.subscribe::<u64>("refused", "unsubscribe_slow", ()).await;
    assert_eq!(refused.unwrap_err(), CallError::Remote(ErrorObject::new(5, "no")));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((peer.stats().subscriptions, other.stats().subscriptions, alive.count()), (0, 0, 0));

    let mut open = peer.subscribe::<u64>("ticks", "unsubscribe_ticks", (9, 9999)).await.unwrap();
    other.close(CloseCode::NORMAL, "enough");
    assert!(matches!(open.next().await, Some(Err(StreamError::Closed { .. }))));
    assert_eq!(open.next().await, None);
    assert_eq!(alive.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn items_that_come_right_behind_the_answer_are_not_lost() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.subscribe::<u8>("feed", "stop_feed", ()).start();
    raw.receive().await;
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"result":17}"#,
        r#"{"jsonrpc":"2.0","method":"whatever","params":{"subscription":17,"result":1}}"#,
        r#"{"jsonrpc":"2.0","method":"feed","params":{"subscription":17,"result":"no number"}}"#,
        r#"{"jsonrpc":"2.0","method":"feed","params":{"subscription":18,"result":9}}"#,
        r#"{"jsonrpc":"2.0","method":"feed","params":{"subscription":17,"error":{"code":3,"message":"m"}}}"#,
        r#"{"jsonrpc":"2.0","method":"feed","params":{"subscription":17,"result":4}}"#,
    ] {
        raw.send(text).await;
    }
    let items: Vec<_> = call.await.unwrap().collect().await;
    assert_eq!(items.len(), 3, "{items:?}");
    assert_eq!(items[0], Ok(1));
    assert!(matches!(items[1], Err(StreamError::Decode(_))));
    assert_eq!(items[2], Err(StreamError::Remote(ErrorObject::new(3, "m"))));
    assert!(raw.is_silent().await, "what the other end ended is not unsubscribed");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_unsubscribes_whatever_the_queue_holds() {
    let mut limits = Limits::client();
    limits.queue = 1000;
    let (mut raw, peer) = Raw::connect_with(Router::new(), limits, 1);
    let call = peer.subscribe::<u8>("feed", "stop_feed", ()).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"x"}"#).await;
    let stream = call.await.unwrap();
    while peer.try_notify("n", ("x".repeat(500),)).is_ok() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    loop {
        let message = raw.receive().await;
        if message.contains("stop_feed") {
            assert_eq!(field(&message, "/params"), serde_json::json!(["x"]));
            let id = field(&message, "/id");
            raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":true}}"#)).await;
            break;
        }
    }
    assert!(raw.is_silent().await);
    assert_eq!((peer.stats().counters.stray, peer.stats().subscriptions), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_subscribe_call_dropped_before_its_answer_leaves_no_stream() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    // Dropped while it was on its way, and dropped when the answer was there but not taken.
    for taken in [false, true] {
        let call = peer.subscribe::<u8>("feed", "stop_feed", ()).start();
        let id = field(&raw.receive().await, "/id");
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"s{id}"}}"#);
        if taken {
            raw.send(&answer).await;
            assert!(raw.is_silent().await);
            drop(call);
        } else {
            drop(call);
            assert!(raw.receive().await.contains("$/cancelRequest"));
            raw.send(&answer).await;
        }
        let message = raw.receive().await;
        assert_eq!(field(&message, "/method"), "stop_feed");
        assert_eq!(field(&message, "/params/0"), format!("s{id}"));
        raw.send(&answer).await;
        assert!(raw.is_silent().await, "once");
    }
    assert_eq!(peer.stats().subscriptions, 0);
}

#[tokio::test(start_paused = true)]
async fn so_many_streams_are_taken_and_no_more() {
    let mut limits = Limits::client();
    limits.streams = 1;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let first = peer.subscribe::<u8>("feed", "stop_feed", ()).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"a"}"#).await;
    let first = first.await.unwrap();
    let second = peer.subscribe::<u8>("feed", "stop_feed", ()).await;
    assert_eq!(second.unwrap_err(), CallError::Busy);
    drop(first);
    assert!(raw.receive().await.contains("stop_feed"));
    let _third = peer.subscribe::<u8>("feed", "stop_feed", ()).start();
    assert!(raw.receive().await.contains("\"feed\""));
}

#[tokio::test(start_paused = true)]
async fn what_the_taker_is_too_slow_for_is_a_gap() {
    let mut limits = Limits::client();
    limits.stream_window = 640;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let call = peer.subscribe::<u8>("feed", "stop_feed", ()).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":"x"}"#).await;
    let mut stream = call.await.unwrap();
    for n in 0..15 {
        raw.notify("feed", &format!(r#"{{"subscription":"x","result":{n}}}"#)).await;
    }
    assert!(raw.is_silent().await);
    for n in 0..10 {
        assert_eq!(stream.next().await, Some(Ok(n)));
    }
    assert_eq!(stream.next().await, Some(Err(StreamError::Gap { missed: 5 })));
}

/// A stream taken from one peer is handed on to another as it comes.
#[tokio::test(start_paused = true)]
async fn a_stream_can_be_passed_on() {
    let alive = Alive::default();
    let (source, _) = memory::pair(Router::new(), services(&alive));
    let relay =
        Router::new().subscription("relay", "unsubscribe_relay", move |_: Context, (): ()| {
            let source = source.clone();
            async move {
                Ok(source.subscribe::<u64>("ticks", "unsubscribe_ticks", (3, 5)).await.unwrap())
            }
        });
    let (peer, _) = memory::pair(Router::new(), relay);
    let mut stream = peer.subscribe::<u64>("relay", "unsubscribe_relay", ()).await.unwrap();
    for n in 0..3 {
        assert_eq!(stream.next().await, Some(Ok(n)));
    }
    drop(stream);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(alive.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_channel_waits_for_its_reader_and_tells_its_writer() {
    let (sender, streaming) = Streaming::channel(1);
    let slot = std::sync::Mutex::new(Some(streaming));
    let offers = Router::new().subscription("feed", "stop_feed", move |_: Context, (): ()| {
        let streaming = slot.lock().unwrap().take().unwrap();
        async move { Ok(streaming) }
    });
    let (peer, _) = memory::pair(Router::new(), offers);
    let mut stream = peer.subscribe::<String>("feed", "stop_feed", ()).await.unwrap();
    sender.send("a".to_owned()).await.unwrap();
    assert_eq!(stream.next().await, Some(Ok("a".to_owned())));
    let other = sender.clone();
    sender.fail(ErrorObject::new(7, "over"));
    assert_eq!(stream.next().await, Some(Err(StreamError::Remote(ErrorObject::new(7, "over")))));
    other.closed().await;
    assert_eq!(other.send("b".to_owned()).await.unwrap_err().item, "b");
}

/// Ten thousand subscriptions, opened and dropped at random points, with calls in between.
#[tokio::test(start_paused = true)]
async fn ten_thousand_subscriptions_leave_nothing() {
    let alive = Alive::default();
    let (left, right) = memory::transports(4096);
    let [peer, other] =
        [(left, Router::new()), (right, services(&alive))].map(|(pipe, services)| {
            let mut config = EndpointConfig::new(services, Limits::server());
            config.keepalive = false;
            let endpoint = Endpoint::new(config);
            let peer = endpoint.peer();
            tokio::spawn(endpoint.connect(pipe));
            peer
        });
    let workers: Vec<_> = (0..20u64)
        .map(|worker| {
            let peer = peer.clone();
            tokio::spawn(async move {
                let mut random = worker.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
                let mut below = |end: u64| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    random % end
                };
                for _ in 0..500 {
                    let method = ["ticks", "failing", "slow"][below(3) as usize];
                    let params = match method {
                        "ticks" => serde_json::json!([below(50), below(3)]),
                        _ => serde_json::json!([below(20)]),
                    };
                    let unsubscribe =
                        ["unsubscribe_ticks", "unsubscribe_slow"][usize::from(method == "slow")];
                    let call = peer.subscribe::<u64>(method, unsubscribe, params);
                    let patience = Duration::from_micros(below(20_000));
                    if let Ok(stream) = tokio::time::timeout(patience, call).await {
                        let mut stream = stream.expect("below every limit");
                        let items = below(6) as usize;
                        let taken = async {
                            while stream.next().await.is_some_and(|item| item.is_ok())
                                && below(9) > 0
                            {}
                        };
                        let _ =
                            tokio::time::timeout(Duration::from_micros(500 * items as u64), taken)
                                .await;
                    }
                    assert_eq!(peer.call::<i64>("add", (1, 2)).await, Ok(3));
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(alive.count(), 0);
    for peer in [&peer, &other] {
        let stats = peer.stats();
        assert_eq!(
            (stats.subscriptions, stats.pending, stats.in_flight, stats.queue_bytes),
            (0, 0, 0, 0)
        );
        assert_eq!(stats.counters.stray, 0);
    }
}
