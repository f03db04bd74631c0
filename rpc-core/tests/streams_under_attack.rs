//! Streams and progress under attack: nothing that the other end sends, leaves out or gives up makes
//! one stall another, fill the memory, lose an item unseen, or leave something behind.

mod support;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use rpc_core::layers::{CallFuture, CallNext, CallRequest, Concurrency, Layers, Timeout};
use rpc_core::transport::{Endpoint, EndpointConfig, Hello, Role, WebSocket};
use rpc_core::{
    Call, CallError, Context, ErrorCode, ErrorObject, Fate, Lag, Limits, Peer, Progress, Router,
    Service, StreamError, Streaming, memory, service,
};
use support::layers::Around;
use support::rest::{Lives, at_rest, held};
use support::{Raw, chain};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout};

#[service]
trait Adder {
    /// All of them together; what is wrong with the stream becomes the error.
    async fn sum(&self, values: Streaming<i64>) -> Result<i64, ErrorObject>;

    /// The same, when all that came before has ended.
    #[method(ordered)]
    async fn sum_in_order(&self, values: Streaming<i64>) -> Result<i64, ErrorObject>;

    /// The running sum, as the values come.
    async fn running(&self, values: Streaming<i64>) -> Streaming<i64>;

    /// All numbers from 0.
    async fn count(&self) -> Streaming<u64>;

    /// Holds on to the stream until it is told to go on.
    async fn hold(&self, values: Streaming<i64>);

    /// Reports a step whenever it is told to.
    async fn build(&self, steps: u32, progress: Progress<u32>) -> u32;
}

#[derive(Clone, Default)]
struct Sums {
    go: Arc<Notify>,
}

async fn total(mut values: Streaming<i64>) -> Result<i64, ErrorObject> {
    let mut sum = 0;
    while let Some(value) = values.next().await {
        sum += value.map_err(|error| ErrorObject::new(7, error.to_string()))?;
    }
    Ok(sum)
}

impl Adder for Sums {
    async fn sum(&self, values: Streaming<i64>) -> Result<i64, ErrorObject> {
        total(values).await
    }

    async fn sum_in_order(&self, values: Streaming<i64>) -> Result<i64, ErrorObject> {
        total(values).await
    }

    async fn running(&self, values: Streaming<i64>) -> Streaming<i64> {
        Streaming::new(values.scan(0, |sum, value| {
            *sum += value.unwrap_or_default();
            std::future::ready(Some(*sum))
        }))
    }

    async fn count(&self) -> Streaming<u64> {
        Streaming::new(stream::iter(0..))
    }

    async fn hold(&self, values: Streaming<i64>) {
        self.go.notified().await;
        drop(values);
    }

    async fn build(&self, steps: u32, progress: Progress<u32>) -> u32 {
        for step in 1..=steps {
            self.go.notified().await;
            progress.report(&step);
        }
        self.go.notified().await;
        steps
    }
}

fn numbers(count: i64) -> Streaming<i64> {
    Streaming::new(stream::iter(1..=count))
}

/// A stream that gives nothing and counts one while it lives.
fn endless(lives: &Arc<AtomicUsize>) -> Streaming<i64> {
    let lives = Lives::new(lives);
    Streaming::new(stream::poll_fn(move |_| {
        let _ = &lives;
        Poll::Pending
    }))
}

/// An end that greets, or waits to be greeted.
fn endpoint(services: impl Service, greets: bool, layers: Layers) -> Endpoint {
    let mut config = EndpointConfig::new(Router::new().service(services), Limits::server());
    config.keepalive = false;
    config.hello = if greets { Hello::Always } else { Hello::Auto };
    config.layers = layers;
    Endpoint::new(config)
}

/// Two ends that offer the same; the calls of the first go through `layers`.
fn ends(layers: Layers) -> (Peer, Peer, Arc<Notify>) {
    let sums = Sums::default();
    let (near, far) = memory::transports(4096);
    let caller = endpoint(AdderServer::new(sums.clone()), true, layers);
    let callee = endpoint(AdderServer::new(sums.clone()), false, Layers::new());
    let (peer, other) = (caller.peer(), callee.peer());
    tokio::spawn(caller.connect(near));
    tokio::spawn(callee.connect(far));
    (peer, other, sums.go)
}

fn adder(peer: &Peer) -> AdderClient {
    AdderClient::new(peer.clone())
}

/// A raw caller that has said hello to what it calls.
async fn raw_caller(service: impl Service) -> (Raw, Peer) {
    let (mut raw, peer) = Raw::connect(Router::new().service(service), Limits::server());
    raw.greet().await;
    (raw, peer)
}

/// A raw end that has said hello to who calls it, through `layers`.
async fn raw_callee(layers: Layers) -> (Raw, Peer) {
    let (near, far) = memory::transports(1 << 20);
    let caller = endpoint(Router::new(), false, layers);
    let peer = caller.peer();
    tokio::spawn(caller.connect(near));
    let mut raw = Raw::over(far);
    raw.greet().await;
    (raw, peer)
}

fn item(id: &str, seq: u64, result: &str) -> String {
    let head = r#"{"jsonrpc":"2.0","method":"$/item","params":{"#;
    format!(r#"{head}"subscription":"{id}","seq":{seq},"result":{result}}}}}"#)
}

fn done(id: &str) -> String {
    let head = r#"{"jsonrpc":"2.0","method":"$/item","params":{"#;
    format!(r#"{head}"subscription":"{id}","done":true}}}}"#)
}

#[tokio::test(start_paused = true)]
async fn a_taker_that_stalls_delays_neither_other_streams_nor_calls() {
    let (peer, other, _) = ends(Layers::new());
    let stub = adder(&peer);
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(stub.count().await.unwrap());
    }
    for number in 0..2000 {
        for stream in &mut streams[1..] {
            assert_eq!(stream.next().await, Some(Ok(number)));
        }
        assert_eq!(stub.sum(numbers(3)).await, Ok(6));
        assert!(other.stats().queue_bytes < 1 << 20, "{:?}", other.stats());
    }
    assert_eq!(streams[0].next().await, Some(Ok(0)), "it is all there still");
    drop(streams);
    at_rest(&[&peer, &other]).await;
}

/// An endless producer, one item every millisecond, and a taker of ten items in a second.
async fn slowly_taken(lag: fn(Streaming<u64>) -> Streaming<u64>) -> (u64, Vec<u64>, Vec<u64>, u64) {
    let made = Arc::new(AtomicU64::new(0));
    let counted = made.clone();
    let feed = Router::new().subscription("feed", "stop", move |_: Context, (): ()| {
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        let made = counted.clone();
        let items = stream::poll_fn(move |cx| {
            tick.poll_tick(cx).map(|_| Some(made.fetch_add(1, Ordering::SeqCst)))
        });
        async move { Ok(lag(Streaming::new(items))) }
    });
    let (peer, other) = memory::pair(Router::new(), feed);
    let mut taken = peer.subscribe::<u64>("feed", "stop", ()).await.unwrap();
    let (mut items, mut gaps) = (Vec::new(), Vec::new());
    while items.len() < 3000 {
        sleep(Duration::from_millis(100)).await;
        match taken.next().await.unwrap() {
            Ok(item) => items.push(item),
            Err(StreamError::Gap { missed }) => gaps.push(missed),
            Err(error) => panic!("{error}"),
        }
        assert!(other.stats().queue_bytes + peer.stats().queue_bytes < 64 * 1024);
    }
    let dropped = other.stats().counters.dropped;
    (made.load(Ordering::SeqCst), items, gaps, dropped)
}

#[tokio::test(start_paused = true)]
async fn an_endless_producer_waits_for_a_slow_taker_and_nothing_is_missing() {
    let (made, items, gaps, dropped) = slowly_taken(|stream| stream).await;
    assert!(items.iter().copied().eq(0..3000));
    assert_eq!((gaps, dropped), (vec![], 0));
    assert!(made <= 3000 + 65_536 / 64 + 2, "{made}: a window of items is made ahead, and one");
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_taker_has_no_room_for_is_a_gap_of_its_size() {
    let (made, items, gaps, dropped) =
        slowly_taken(|stream| stream.lag(Lag::DropOldest, 100)).await;
    let missing: u64 = gaps.iter().sum();
    assert!(missing > 0 && items.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(items.last().unwrap() + 1, items.len() as u64 + missing, "no loss is silent");
    assert!(dropped >= missing);
    assert!(made >= dropped + 3000);
}

#[tokio::test(start_paused = true)]
async fn credit_that_cannot_be_is_counted_and_changes_nothing() {
    let (mut raw, peer) = raw_callee(Layers::new()).await;
    let (values, stream) = Streaming::channel(1);
    let call = tokio::spawn(adder(&peer).sum(stream).no_timeout());
    let request = raw.receive().await;
    let id = request.split("$stream\":\"").nth(1).unwrap()[..32].to_owned();
    let credit = |id: &str, bytes: &str| {
        let params = format!(r#"{{"subscription":"{id}","bytes":{bytes}}}"#);
        format!(r#"{{"jsonrpc":"2.0","method":"$/credit","params":{params}}}"#)
    };
    let wrong =
        ["0", "-1", "18446744073709551616", "9223372036854775808", "2147483649", "2147483648"];
    for bytes in wrong.iter().chain(&["2147418113", "1.5", "\"1\"", "null"]) {
        raw.send(&credit(&id, bytes)).await;
    }
    raw.send(r#"{"jsonrpc":"2.0","method":"$/credit","params":[1]}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"$/credit"}"#).await;
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().counters.malformed, 12);
    // Of one that is not known it may be late.
    raw.send(&credit("nobody", "1")).await;
    values.send(5).await.unwrap();
    assert!(raw.receive().await.contains(r#""seq":1,"result":5"#));
    // It may grow, up to 2 GiB.
    raw.send(&credit(&id, "2147418176")).await;
    raw.send(&credit(&id, "1")).await;
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().counters.malformed, 13, "64 were spent of the first 65,536");
    call.abort();
}

#[tokio::test(start_paused = true)]
async fn numbers_that_go_back_are_ignored_and_a_jump_to_the_last_is_one_gap() {
    let (mut raw, peer) = raw_caller(AdderServer::new(Sums::default())).await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"running","params":[{"$stream":"a"}]}"#).await;
    let answer = raw.receive().await;
    for text in [
        item("a", 1, "1"),
        item("a", 1, "10"),
        item("a", 0, "10"),
        item("a", u64::MAX, "100"),
        item("a", 2, "10"),
        item("a", u64::MAX, "10"),
        r#"{"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":-1,"done":true}}"#
            .into(),
        r#"{"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","result":1,"done":true}}"#
            .into(),
        done("a"),
    ] {
        raw.send(&text).await;
    }
    // The gap counts as nothing here.
    for sum in ["1", "1", "101"] {
        let item = raw.receive().await;
        assert!(item.contains(&format!(r#""result":{sum}}}"#)), "{item}");
    }
    assert!(raw.receive().await.contains(r#""done":true"#), "{answer}");
    assert_eq!(peer.stats().counters.malformed, 6);
    at_rest(&[&peer]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_anothers_is_not_to_be_had() {
    let (mut raw, peer) = raw_caller(AdderServer::new(Sums::default())).await;
    let sum = |id: u32, stream: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"sum","params":[{{"$stream":{stream}}}]}}"#)
    };
    // Items before their request belong to nothing.
    raw.send(&item("a", 1, "1000")).await;
    raw.send(&sum(1, "\"a\"")).await;
    // Twice, and one that is the other end's own subscription.
    raw.send(&sum(2, "\"a\"")).await;
    assert!(raw.receive().await.contains("is open already"));
    raw.send(r#"{"jsonrpc":"2.0","id":3,"method":"count"}"#).await;
    let answer = raw.receive().await;
    let own = answer.split(r#""result":""#).nth(1).unwrap()[..32].to_owned();
    assert!(raw.receive().await.contains(r#""seq":1"#));
    let mut sent = 1;
    raw.send(&sum(4, &format!("\"{own}\""))).await;
    // An end to what is not there, to what belongs to the other end, and to the request's own.
    for id in ["\"nobody\"", "\"a\"", "7", "null", "{}"] {
        let params = format!(r#"{{"subscription":{id}}}"#);
        raw.send(&format!(r#"{{"jsonrpc":"2.0","method":"$/stop","params":{params}}}"#)).await;
    }
    raw.send(&item("a", 1, "1")).await;
    raw.send(&done("a")).await;
    raw.send(&item(&own, 1, "4")).await;
    raw.send(&done(&own)).await;
    let mut answers = Vec::new();
    while answers.len() < 2 {
        let message = raw.receive().await;
        sent += usize::from(message.contains("\"seq\""));
        if !message.contains("\"method\"") {
            answers.push(message);
        }
    }
    answers.sort();
    assert_eq!(answers[0], r#"{"jsonrpc":"2.0","id":1,"result":1}"#);
    assert_eq!(answers[1], r#"{"jsonrpc":"2.0","id":4,"result":4}"#);
    assert!(sent <= 65_536 / 64, "{sent}: what is spent does not come back");
    let stop =
        format!(r#"{{"jsonrpc":"2.0","method":"$/stop","params":{{"subscription":"{own}"}}}}"#);
    raw.send(&stop).await;
    // Its items are on their way still.
    while timeout(Duration::from_millis(100), raw.receive()).await.is_ok() {}
    at_rest(&[&peer]).await;
}

/// Where both ends offer the same, items that cross the end of their stream have the name of a method.
#[tokio::test(start_paused = true)]
async fn items_that_come_too_late_call_no_method_of_that_name() {
    let called = Arc::new(AtomicUsize::new(0));
    let count = called.clone();
    let feed = Router::new().subscription("feed", "stop", move |_, _: serde_json::Value| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { Ok(Streaming::new(stream::iter(0..1))) }
    });
    let (mut raw, peer) = raw_caller(feed).await;
    for params in [r#""result":1"#, r#""seq":2,"error":{}"#, r#""done":true"#] {
        let params = format!(r#"{{"subscription":"gone",{params}}}"#);
        raw.notify("feed", &params).await;
    }
    assert!(raw.is_silent().await);
    assert_eq!((called.load(Ordering::SeqCst), peer.stats().counters.malformed), (0, 0));
    // Anything else is what it was.
    raw.send(r#"{"jsonrpc":"2.0","method":"feed","params":{"subscription":"gone"}}"#).await;
    assert!(raw.is_silent().await);
    assert_eq!(called.load(Ordering::SeqCst), 1);
}

/// Its items and its end may all be there before there is a handler: that is no other stream.
#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_before_its_request_may_start_is_taken_all_the_same() {
    let layered = AdderServer::new(Sums::default()).layer(Concurrency::new(1));
    let (mut raw, peer) = raw_caller(layered).await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"sum","params":[{"$stream":"first"}]}"#).await;
    for (id, method) in [(2, "sum"), (3, "sum_in_order")] {
        let params = format!(r#"[{{"$stream":"{method}"}}]"#);
        raw.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
        ))
        .await;
        raw.send(&item(method, 1, "5")).await;
        raw.send(&item(method, 2, "6")).await;
        raw.send(&done(method)).await;
    }
    // Its id is free when it has ended, also before it was taken.
    raw.send(r#"{"jsonrpc":"2.0","id":4,"method":"sum","params":[{"$stream":"sum"}]}"#).await;
    raw.send(&item("sum", 1, "7")).await;
    assert!(raw.is_silent().await);
    raw.send(&done("first")).await;
    for (id, sum) in [(1, 0), (2, 11)] {
        assert_eq!(raw.receive().await, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{sum}}}"#));
    }
    raw.send(&done("sum")).await;
    let mut answers = [raw.receive().await, raw.receive().await];
    answers.sort();
    assert_eq!(answers[0], r#"{"jsonrpc":"2.0","id":3,"result":11}"#);
    assert_eq!(answers[1], r#"{"jsonrpc":"2.0","id":4,"result":7}"#);
    at_rest(&[&peer]).await;
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_subscription_is_no_longer_than_others() {
    let (mut raw, peer) = raw_callee(Layers::new()).await;
    let call = peer.subscribe::<u8>("feed", "stop", ()).start();
    let late = peer.subscribe::<u8>("feed", "stop", ()).start();
    raw.receive().await;
    raw.receive().await;
    drop(late);
    assert!(raw.receive().await.contains("$/cancelRequest"));
    let long = "x".repeat(200_000);
    for id in [1, 2] {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{long}"}}"#)).await;
    }
    let error = call.await.unwrap_err();
    assert!(chain(&error).contains("not too long"), "{error:?}");
    assert!(raw.is_silent().await, "nor is it said again");
    assert_eq!(held(&peer), 0);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_progress_keeps_what_it_may_and_no_more() {
    let (mut raw, peer) = raw_callee(Layers::new()).await;
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let into = seen.clone();
    let call = peer.call::<u8>("build", ()).on_progress(move |report: String| {
        into.lock().unwrap().push(report);
    });
    let call = call.start();
    let request = raw.receive().await;
    assert!(request.contains(r#""progressToken":1"#), "{request}");
    let report = |token: u64, value: &str| {
        let params = format!(r#"{{"token":{token},"value":"{value}"}}"#);
        format!(r#"{{"jsonrpc":"2.0","method":"$/progress","params":{params}}}"#)
    };
    for number in 0..100_000 {
        raw.send(&report(1, &number.to_string())).await;
    }
    for token in [0, 2, 3, u64::MAX] {
        for _ in 0..1000 {
            raw.send(&report(token, "nobody's")).await;
        }
    }
    // Larger than all that may wait: with as many calls as may be made, each would keep one.
    raw.send(&report(1, &"x".repeat(65_536))).await;
    assert!(raw.is_silent().await);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    assert_eq!(call.await, Ok(1));
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(seen.into_iter().eq((99_936..100_000).map(|number: u32| number.to_string())));
    assert_eq!((peer.stats().counters.dropped, peer.stats().counters.malformed), (1, 0));
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn progress_of_what_was_not_sent_is_kept_by_nobody() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let _first = peer.call::<u8>("build", ()).start();
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let second = peer.call::<u8>("build", ()).on_progress(move |(): ()| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut second = second.start();
    raw.receive().await;
    let report = r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":2,"value":null}}"#;
    raw.send(report).await;
    assert!(raw.is_silent().await);
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(told.load(Ordering::SeqCst), 0);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    raw.receive().await;
    raw.send(report).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":2}"#).await;
    assert_eq!(second.await, Ok(2));
    assert_eq!(told.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn progress_comes_through_layers_and_batches() {
    for layers in [Layers::new(), Layers::new().layer(Timeout::new(Duration::MAX))] {
        let (peer, other, go) = ends(layers);
        let stub = adder(&peer);
        let told = Arc::new(AtomicU64::new(0));
        let listener = |told: &Arc<AtomicU64>| {
            let told = told.clone();
            move |step: u32| {
                told.fetch_add(step.into(), Ordering::SeqCst);
            }
        };
        let batch = peer.batch();
        let in_batch = AdderClient::new(&batch).build(3).on_progress(listener(&told));
        batch.send().await.unwrap();
        let alone = stub.build(3).on_progress(listener(&told)).start();
        for _ in 0..8 {
            sleep(Duration::from_millis(1)).await;
            go.notify_one();
        }
        assert_eq!(tokio::join!(in_batch, alone), (Ok(3), Ok(3)));
        assert_eq!(told.load(Ordering::SeqCst), 12);
        at_rest(&[&peer, &other]).await;
    }
}

/// Waits for a permit before the call goes on.
fn waiting(permits: &Arc<Semaphore>) -> Layers {
    let permits = permits.clone();
    Layers::new().layer(Around(move |request, next: CallNext| {
        let permits = permits.clone();
        CallFuture::from_future(async move {
            permits.acquire().await.expect("nobody closes it").forget();
            next.call(request).await
        })
    }))
}

/// Makes a call up to three times.
fn retrying() -> Layers {
    Layers::new().layer(Around(|request: CallRequest, next: CallNext| {
        CallFuture::from_future(async move {
            for _ in 0..2 {
                match next.call(request.clone()).await {
                    Ok(answer) => return Ok(answer),
                    Err(_) => sleep(Duration::from_millis(10)).await,
                }
            }
            next.call(request).await
        })
    }))
}

#[tokio::test(start_paused = true)]
async fn streams_that_were_sent_go_with_no_second_attempt() {
    let (mut raw, peer) = raw_callee(retrying()).await;
    let call = tokio::spawn(adder(&peer).sum(numbers(2)));
    let request = raw.receive().await;
    assert!(request.contains(r#""id":1"#), "{request}");
    raw.send(r#"{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"again"}}"#).await;
    let error = call.await.unwrap().unwrap_err();
    assert!(
        matches!(&error, CallError::Encode(why) if why.message().contains("first attempt")),
        "{error}"
    );
    at_rest(&[&peer]).await;
}

#[tokio::test(start_paused = true)]
async fn streams_that_were_not_sent_go_with_the_next_attempt() {
    let lives = Arc::new(AtomicUsize::new(0));
    let (near, far) = memory::transports(4096);
    let mut limits = Limits::client();
    limits.streams = 1;
    let mut config = EndpointConfig::new(Router::new(), limits);
    (config.hello, config.layers) = (Hello::Always, retrying());
    let caller = Endpoint::new(config);
    let peer = caller.peer();
    let callee = endpoint(AdderServer::new(Sums::default()), false, Layers::new());
    tokio::spawn(caller.connect(near));
    tokio::spawn(callee.connect(far));
    let stub = adder(&peer);
    let only = stub.hold(endless(&lives)).start();
    let mut second = Box::pin(stub.sum(numbers(3)));
    assert!((&mut second).now_or_never().is_none());
    drop(only);
    assert_eq!(second.await, Ok(6), "busy was nobody's fault, and nothing was sent");
    at_rest(&[&peer]).await;
    assert_eq!(lives.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_streams_may_wait_in_a_layer_and_be_dropped_anywhere() {
    let permits = Arc::new(Semaphore::new(0));
    let (peer, other, go) = ends(waiting(&permits));
    let stub = adder(&peer);
    let lives = Arc::new(AtomicUsize::new(0));
    at_rest(&[&peer, &other]).await;
    let mut waits = stub.hold(endless(&lives)).start();
    assert!((&mut waits).now_or_never().is_none());
    drop(waits);
    assert_eq!((lives.load(Ordering::SeqCst), held(&peer)), (0, 0), "it waited in the layer");

    permits.add_permits(3);
    let sent = tokio::spawn(stub.hold(endless(&lives)));
    sleep(Duration::from_millis(1)).await;
    assert_eq!((other.stats().in_flight, lives.load(Ordering::SeqCst)), (1, 1));
    sent.abort();
    at_rest(&[&peer, &other]).await;
    assert_eq!(lives.load(Ordering::SeqCst), 0);

    assert_eq!(stub.sum(numbers(1000)).await, Ok(500_500));
    let last = tokio::spawn(stub.hold(endless(&lives)));
    sleep(Duration::from_millis(1)).await;
    go.notify_one();
    assert_eq!(last.await.unwrap(), Ok(()));
    at_rest(&[&peer, &other]).await;
    assert_eq!(lives.load(Ordering::SeqCst), 0);
}

/// How long a call takes to time out that hears of its progress every second.
async fn times_out<T, E, P>(call: Call<T, E, P>, go: &Notify) -> u64
where
    Call<T, E, P>: Future<Output = Result<T, CallError<E>>> + Unpin,
{
    let start = Instant::now();
    let mut call = call;
    loop {
        match timeout(Duration::from_secs(1), &mut call).await {
            Err(_) => go.notify_one(),
            Ok(Err(CallError::Timeout { .. })) => return start.elapsed().as_secs(),
            Ok(_) => panic!("it does not time out"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_progress_puts_off_is_counted_from_the_start_through_layers_as_well() {
    let seconds = Duration::from_secs;
    let wait = Layers::new().layer(Around(move |request, next: CallNext| {
        CallFuture::from_future(async move {
            sleep(seconds(2)).await;
            next.call(request).await
        })
    }));
    for layers in [Layers::new(), wait] {
        let (peer, _other, go) = ends(layers);
        let stub = adder(&peer);
        let build = |timeout: u64, most: u64| {
            stub.build(99).timeout(seconds(timeout)).extend_on_progress(seconds(most))
        };
        let nobody = Notify::new();
        assert_eq!(times_out(build(5, 20), &nobody).await, 5, "without progress");
        assert_eq!(times_out(build(5, 20), &go).await, 20);
        assert_eq!(times_out(build(10, 4), &go).await, 4, "the most is less than the timeout");
    }
    let (peer, _other, go) = ends(Layers::new().layer(Timeout::new(seconds(40))));
    let stub = adder(&peer);
    let call = stub.build(99).extend_on_progress(seconds(300));
    assert_eq!(times_out(call, &go).await, 40, "whatever its caller wants");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_goes_on_is_bounded_by_a_layer_all_the_same() {
    let seconds = Duration::from_secs;
    let (peer, _other, _) = ends(Layers::new().layer(Timeout::new(seconds(40))));
    let stub = adder(&peer);
    let (values, stream) = Streaming::channel(1);
    tokio::spawn(async move {
        while values.send(1).await.is_ok() {
            sleep(seconds(1)).await;
        }
    });
    let start = Instant::now();
    let fate = Fate::MaybeExecuted;
    let ended = timeout(seconds(100), stub.sum(stream)).await.expect("the layer bounds it");
    assert_eq!(ended, Err(CallError::Timeout { fate, heard: None }));
    assert_eq!(start.elapsed().as_secs(), 40);
}

/// Drops a call when it is woken.
struct DropsWhenWoken<T>(Mutex<Option<T>>);

impl<T: Send> Wake for DropsWhenWoken<T> {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().unwrap().take());
    }
}

/// It is dropped when the connection has looked after its streams for the last time in its turn, as
/// it may be from another thread; no message follows that would have it look again.
#[tokio::test(start_paused = true)]
async fn a_stream_is_dropped_with_its_call_whenever_that_is() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let lives = Arc::new(AtomicUsize::new(0));
    let unsent = adder(&peer).hold(endless(&lives)).no_timeout().start();
    assert!(raw.is_silent().await, "it waits for a hello");
    let mut other = peer.call::<()>("other", ()).start();
    let drops = Arc::new(DropsWhenWoken(Mutex::new(Some(unsent))));
    let waker = Waker::from(drops);
    assert!(other.poll_unpin(&mut Task::from_waker(&waker)).is_pending());
    assert!(raw.receive().await.contains("other"));
    assert_eq!(lives.load(Ordering::SeqCst), 1);
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":null}"#).await;
    assert!(raw.is_silent().await);
    assert_eq!((peer.stats().pending, lives.load(Ordering::SeqCst)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_dropped_with_its_call_before_there_is_a_connection() {
    let endpoint = endpoint(AdderServer::new(Sums::default()), true, Layers::new());
    let peer = endpoint.peer();
    let stub = adder(&peer);
    let lives = Arc::new(AtomicUsize::new(0));
    let kept = stub.hold(endless(&lives)).start();
    for _ in 0..1000 {
        drop(stub.hold(endless(&lives)).start());
        assert_eq!(lives.load(Ordering::SeqCst), 1);
    }
    let stats = peer.stats();
    assert_eq!((stats.pending, stats.subscriptions), (1, 1));
    drop(kept);
    assert_eq!(lives.load(Ordering::SeqCst), 0);
}

/// It panics when it is looked up for the second time, which is when its item is sent.
#[tokio::test(start_paused = true)]
async fn a_key_that_panics_ends_its_stream_alone() {
    #[derive(Clone)]
    struct Odd(Arc<AtomicUsize>);
    impl PartialEq for Odd {
        fn eq(&self, _: &Self) -> bool {
            true
        }
    }
    impl Eq for Odd {}
    impl std::hash::Hash for Odd {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) < 1, "odd");
        }
    }
    let feed = Router::new()
        .subscription("feed", "stop", |_: Context, (): ()| {
            let hashed = Arc::new(AtomicUsize::new(0));
            let feed = Streaming::new(stream::iter(0..3));
            async move { Ok(feed.lag(Lag::latest_by(move |_: &i32| Odd(hashed.clone())), 9)) }
        })
        .method("ping", |_: Context, (): ()| async { Ok(1) });
    let (peer, other) = memory::pair(Router::new(), feed);
    let taken = peer.subscribe::<i32>("feed", "stop", ()).await.unwrap();
    let items: Vec<_> = taken.collect().await;
    let internal = |item: &Result<i32, StreamError>| matches!(item, Err(StreamError::Remote(error)) if error.code == ErrorCode::INTERNAL);
    assert!(matches!(&items[..], [item] if internal(item)), "{items:?}");
    assert_eq!(peer.call::<u8>("ping", ()).await, Ok(1));
    at_rest(&[&peer, &other]).await;
}

/// The last call that a handler may make would wait for what waits for that handler.
#[tokio::test(start_paused = true)]
async fn the_first_call_of_a_handler_waits_for_no_other_after_a_hello_either() {
    let back = Router::new().method("back", |cx: Context, (): ()| async move {
        Ok(AdderClient::new(cx.peer()).sum(numbers(2)).await.unwrap_or(-1))
    });
    let mut limits = Limits::server();
    limits.calls_on_wire = 1;
    let (mut raw, peer) = Raw::connect(back, limits);
    let _on_wire = peer.call::<()>("outer", ()).start();
    assert!(raw.receive().await.contains("outer"));
    raw.send(r#"{"jsonrpc":"2.0","id":"b","method":"back"}"#).await;
    assert!(raw.is_silent().await);
    raw.greet().await;
    let request = raw.receive().await;
    assert!(request.contains(r#""method":"sum""#), "{request}");
}

/// Opens and leaves streams of all kinds at random points.
async fn open_and_leave(stubs: &[AdderClient; 2], worker: u64, rounds: usize, patience: u64) {
    let mut random = worker.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |end: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % end
    };
    let lives = Arc::new(AtomicUsize::new(0));
    for _ in 0..rounds {
        let stub = &stubs[below(2) as usize];
        let count = below(100) as i64;
        let (kind, items, limit) = (below(6), below(20), Duration::from_micros(below(patience)));
        let used = async {
            match kind {
                0 => drop(stub.sum(numbers(count)).await),
                1 => drop(stub.hold(endless(&lives)).await),
                2 => drop(stub.sum_in_order(numbers(count)).start()),
                3 => {
                    if let Ok(counted) = stub.count().await {
                        let _: Vec<_> = counted.take(items as usize).collect().await;
                    }
                }
                4 => {
                    if let Ok(sums) = stub.running(numbers(count)).await {
                        let _: Vec<_> = sums.take(items as usize).collect().await;
                    }
                }
                _ => drop(stub.running(endless(&lives)).await),
            }
        };
        let _ = timeout(limit, used).await;
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_streams_of_all_kinds_leave_nothing() {
    let (peer, other, _) = ends(Layers::new());
    let stub = adder(&peer);
    let stubs = [stub, adder(&other)];
    let workers = (0..20).map(|worker| {
        let stubs = stubs.clone();
        tokio::spawn(async move { open_and_leave(&stubs, worker, 500, 3000).await })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    at_rest(&[&peer, &other]).await;
    for peer in [&peer, &other] {
        let counters = peer.stats().counters;
        assert_eq!((counters.stray, counters.malformed, counters.dropped), (0, 0, 0));
    }
}

/// The same on many threads, over a socket: what is dropped while the connection is at work is
/// dropped from another thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_streams_over_a_socket_leave_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    let connect = |socket, role, greets| {
        let limits = Limits::server();
        let endpoint = endpoint(AdderServer::new(Sums::default()), greets, Layers::new());
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(WebSocket::new(socket, role, Bytes::new(), &limits)));
        peer
    };
    let peer = connect(near.unwrap(), Role::Client, true);
    let other = connect(far.unwrap().0, Role::Server, false);
    let stubs = [adder(&peer), adder(&other)];
    let workers = (0..20).map(|worker| {
        let stubs = stubs.clone();
        tokio::spawn(async move { open_and_leave(&stubs, worker, 500, 1500).await })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    // A round trip each way, and another one, has both ends read what was sent before.
    for _ in 0..1000 {
        for stub in &stubs {
            let sum = stub.sum(numbers(3)).await;
            assert_eq!(sum, Ok(6), "{:?} {:?}", peer.closed().await, other.closed().await);
        }
        if held(&peer) + held(&other) == 0 {
            break;
        }
    }
    assert_eq!((held(&peer), held(&other)), (0, 0), "{:?}", [peer.stats(), other.stats()]);
}
