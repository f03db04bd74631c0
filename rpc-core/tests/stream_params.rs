//! Streams among the params of a call, both ways: how they begin, what bounds them, how they end.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::layers::{Layer, ServeNext, ServeRequest};
use rpc_core::transport::{Connection, Endpoint, EndpointConfig, Hello};
use rpc_core::types::{Handler, Params};
use rpc_core::{
    CallError, CloseCode, Context, ErrorObject, Fate, Limits, Peer, Router, Service, StreamError,
    Streaming, memory, service,
};
use support::rest::{Lives, at_rest, settles};
use support::{Raw, chain};
use tokio::sync::mpsc;

#[service]
trait Adder {
    /// All of them together; what is wrong with the stream becomes the error.
    async fn sum(&self, start: i64, values: Streaming<i64>) -> Result<i64, ErrorObject>;

    /// The first `count` of them.
    async fn some(&self, count: usize, values: Streaming<i64>) -> Vec<i64>;

    /// Gives the stream away, and waits if it is told to.
    async fn keep(&self, values: Streaming<i64>, wait: bool);

    /// The running sum, as the values come.
    async fn running(&self, values: Streaming<i64>) -> Streaming<i64>;

    /// Two of them.
    async fn both(&self, a: Streaming<i64>, b: Streaming<i64>) -> i64;

    /// Calls the caller's `sum` with so many values.
    async fn back(&self, cx: &Context, count: i64) -> Result<i64, ErrorObject>;
}

#[derive(Clone, Default)]
struct Sums {
    kept: Arc<Mutex<Option<Streaming<i64>>>>,
}

async fn total(mut values: Streaming<i64>) -> Result<i64, ErrorObject> {
    let mut sum = 0;
    while let Some(value) = values.next().await {
        sum += value.map_err(|error| ErrorObject::new(7, error.to_string()))?;
    }
    Ok(sum)
}

impl Adder for Sums {
    async fn sum(&self, start: i64, values: Streaming<i64>) -> Result<i64, ErrorObject> {
        Ok(start + total(values).await?)
    }

    async fn some(&self, count: usize, values: Streaming<i64>) -> Vec<i64> {
        values.take(count).map(Result::unwrap).collect().await
    }

    async fn keep(&self, values: Streaming<i64>, wait: bool) {
        *self.kept.lock().unwrap() = Some(values);
        if wait {
            std::future::pending::<()>().await;
        }
    }

    async fn running(&self, values: Streaming<i64>) -> Streaming<i64> {
        Streaming::new(values.scan(0, |sum, value| {
            let value = value.ok();
            std::future::ready(value.map(|value| {
                *sum += value;
                *sum
            }))
        }))
    }

    async fn both(&self, a: Streaming<i64>, b: Streaming<i64>) -> i64 {
        let (a, b) = tokio::join!(total(a), total(b));
        a.unwrap() * b.unwrap()
    }

    async fn back(&self, cx: &Context, count: i64) -> Result<i64, ErrorObject> {
        Ok(AdderClient::new(cx.peer()).sum(0, numbers(count)).await?)
    }
}

fn numbers(count: i64) -> Streaming<i64> {
    Streaming::new(stream::iter(1..=count))
}

/// Two ends that offer the same, and have said hello.
fn ends() -> (AdderClient, Peer) {
    let (near, far) =
        memory::pair(AdderServer::new(Sums::default()), AdderServer::new(Sums::default()));
    (AdderClient::new(near), far)
}

/// A stream that never ends nor gives more than this, and whether it still lives.
fn stalls(first: Vec<i64>) -> (Streaming<i64>, Arc<AtomicUsize>) {
    let count = Arc::default();
    let lives = Lives::new(&count);
    let rest = stream::poll_fn(move |_| {
        let _ = &lives;
        std::task::Poll::Pending
    });
    (Streaming::new(stream::iter(first).chain(rest)), count)
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_with_a_call_either_way() {
    let (near, far) = ends();
    assert_eq!(near.sum(10, numbers(1000)).await.unwrap(), 10 + 500_500);
    assert_eq!(AdderClient::new(far.clone()).sum(0, numbers(3)).await.unwrap(), 6);
    assert_eq!(near.back(4).await.unwrap(), 10);
    assert_eq!(near.both(numbers(2), numbers(3)).await.unwrap(), 18);
    at_rest(&[&far]).await;
}

#[tokio::test(start_paused = true)]
async fn both_directions_of_one_call_stream_at_the_same_time() {
    let (near, far) = ends();
    let (values, stream) = Streaming::channel(1);
    let mut sums = near.running(stream).await.unwrap();
    for (value, sum) in [(1, 1), (2, 3), (3, 6)] {
        values.send(value).await.unwrap();
        assert_eq!(sums.next().await, Some(Ok(sum)));
    }
    drop(values);
    assert_eq!(sums.next().await, None);

    // The taker of the sums goes, and with it what the values were for.
    let (values, stream) = Streaming::channel(1);
    let sums = near.running(stream).await.unwrap();
    values.send(1).await.unwrap();
    drop(sums);
    values.closed().await;
    at_rest(&[&far]).await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_fills_a_stream_and_its_sender_hears_of_the_end() {
    let (near, far) = ends();
    let (values, stream) = Streaming::channel(1);
    let some = tokio::spawn(near.some(2, stream));
    for value in 1.. {
        if values.send(value).await.is_err() {
            break;
        }
    }
    assert_eq!(some.await.unwrap().unwrap(), [1, 2]);
    at_rest(&[&far]).await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_ends_the_streams_of_a_call() {
    let kept = Arc::<Mutex<_>>::default();
    let (near, far) = memory::pair(Router::new(), AdderServer::new(Sums { kept: kept.clone() }));
    let (stream, lives) = stalls(vec![1, 2]);
    AdderClient::new(near).keep(stream, false).await.unwrap();
    settles(|| lives.load(Ordering::SeqCst) == 0).await;
    let mut kept = kept.lock().unwrap().take().unwrap();
    let left: Vec<_> = kept.by_ref().collect().await;
    assert_eq!(left.last(), Some(&Err(StreamError::Cancelled)), "{left:?}");
    drop(kept);
    at_rest(&[&far]).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_takes_its_streams_along() {
    let kept = Arc::<Mutex<_>>::default();
    let (near, far) = memory::pair(Router::new(), AdderServer::new(Sums { kept: kept.clone() }));
    let (stream, lives) = stalls(vec![1]);
    let call = AdderClient::new(near.clone()).keep(stream, true).start();
    settles(|| kept.lock().unwrap().is_some()).await;
    drop(call);
    settles(|| lives.load(Ordering::SeqCst) == 0).await;
    let kept = kept.lock().unwrap().take().unwrap();
    let items: Vec<_> = kept.collect().await;
    assert_eq!(items, [Ok(1), Err(StreamError::Cancelled)]);
    at_rest(&[&near, &far]).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_before_it_began_or_was_sent_drops_its_streams() {
    let (near, far) = ends();
    let (stream, lives) = stalls(vec![]);
    drop(near.sum(0, stream));
    assert_eq!(lives.load(Ordering::SeqCst), 0);
    // Started, and dropped before the connection's task had a chance to look.
    let (stream, lives) = stalls(vec![]);
    drop(near.sum(0, stream).start());
    settles(|| lives.load(Ordering::SeqCst) == 0).await;
    at_rest(&[&far]).await;
}

#[tokio::test(start_paused = true)]
async fn errors_and_lost_connections_are_told_apart() {
    let (near, far) = ends();
    let failing = stream::iter([Ok(1), Err(ErrorObject::new(3, "no more"))]);
    let failed = near.sum(0, Streaming::try_new(failing)).await;
    assert_eq!(failed, Err(CallError::Method(ErrorObject::new(7, "no more (code 3)"))));

    let kept = Arc::<Mutex<_>>::default();
    let (lost, server) = memory::pair(Router::new(), AdderServer::new(Sums { kept: kept.clone() }));
    let (stream, lives) = stalls(vec![]);
    let call = tokio::spawn(AdderClient::new(lost).keep(stream, true));
    settles(|| kept.lock().unwrap().is_some()).await;
    server.close(CloseCode::GOING_AWAY, "bye");
    assert!(matches!(call.await.unwrap(), Err(CallError::Closed { .. })));
    let mut stream = kept.lock().unwrap().take().unwrap();
    assert!(matches!(stream.next().await, Some(Err(StreamError::Closed { .. }))));
    assert_eq!(stream.next().await, None);
    assert_eq!(lives.load(Ordering::SeqCst), 0);
    at_rest(&[&far]).await;
}

/// A raw caller which has said hello.
async fn raw_caller(limits: Limits) -> (Raw, Peer) {
    let services = Router::new().service(AdderServer::new(Sums::default()));
    let (mut raw, peer) = Raw::connect(services, limits);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}
<-- {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":65536,"batch":100,"ack":true,"results":true,"sequences":true}}
"#,
    )
    .await;
    (raw, peer)
}

#[tokio::test(start_paused = true)]
async fn items_follow_at_once_and_late_ones_are_dropped_uncounted() {
    let (mut raw, peer) = raw_caller(Limits::server()).await;
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"sum","params":[1,{"$stream":"a"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":1,"result":2}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":2,"result":3}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":3,"done":true}}
<-- {"jsonrpc":"2.0","id":1,"result":6}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":4,"result":3}}
--> {"jsonrpc":"2.0","id":2,"method":"sum","params":{"values":{"$stream":"a"},"start":0}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","error":{"code":1,"message":"x"}}}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":7,"message":"x (code 1)"}}
--> {"jsonrpc":"2.0","id":3,"method":"some","params":[1,{"$stream":"b"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"b","seq":1,"result":5}}
<-- {"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"b"}}
<-- {"jsonrpc":"2.0","id":3,"result":[5]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"b","seq":2,"result":5}}
--> {"jsonrpc":"2.0","id":4,"method":"sum","params":[0,{"$stream":"c"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"c","error":{"code":-32800,"message":"x","data":{"kind":"cancelled"}}}}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":7,"message":"the call that the stream belongs to is over"}}
--> {"jsonrpc":"2.0","id":5,"method":"sum","params":[0,{"$stream":"d"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"d","seq":3,"result":1}}
<-- {"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"d"}}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":7,"message":"2 items are missing"}}
"#,
    )
    .await;
    let stats = peer.stats();
    assert_eq!((stats.subscriptions, stats.counters.malformed), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_stream_is_said_and_leaves_nothing() {
    let mut limits = Limits::server();
    limits.streams = 2;
    let (mut raw, peer) = raw_caller(limits).await;
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"sum","params":[1]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"parameter `values`: expected a stream, `{\"$stream\":id}`"}}
--> {"jsonrpc":"2.0","id":2,"method":"sum","params":[1,[1,2]]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"parameter `values`: expected a stream, `{\"$stream\":id}`"}}
--> {"jsonrpc":"2.0","id":3,"method":"both","params":[{"$stream":"a"},{"$stream":"a"}]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"parameter `b`: a stream with this id is open already"}}
--> {"jsonrpc":"2.0","id":4,"method":"sum","params":["x",{"$stream":"a"}]}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"parameter `start`: invalid type: string \"x\", expected i64","data":{"kind":"invalid_params","violations":[{"path":"start","message":"invalid type: string \"x\", expected i64"}]}}}
--> {"jsonrpc":"2.0","id":5,"method":"sum","params":[1,{"$stream":"a"}]}
--> {"jsonrpc":"2.0","id":6,"method":"sum","params":[1,{"$stream":"a"}]}
<-- {"jsonrpc":"2.0","id":6,"error":{"code":-32602,"message":"parameter `values`: a stream with this id is open already"}}
--> {"jsonrpc":"2.0","id":7,"method":"both","params":[{"$stream":"b"},{"$stream":"c"}]}
<-- {"jsonrpc":"2.0","id":7,"error":{"code":-32009,"message":"busy: not executed, `streams` is reached","data":{"kind":"busy"}}}
--> {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":5}}
<-- {"jsonrpc":"2.0","id":5,"error":{"code":-32800,"message":"request cancelled","data":{"kind":"cancelled"}}}
"#,
    )
    .await;
    assert_eq!(peer.stats().subscriptions, 0);
    let services = Router::new().service(AdderServer::new(Sums::default()));
    let (mut plain, _) = Raw::connect(services, Limits::server());
    plain
        .play(
            r#"
--> {"jsonrpc":"2.0","id":1,"method":"sum","params":[1,{"$stream":"a"}]}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"a stream among params needs a `$/hello` before the request"}}
"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_comes_ends_with_the_deadline_of_its_call() {
    let (mut raw, peer) = raw_caller(Limits::server()).await;
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"sum","params":[1,{"$stream":"a"}],"timeoutMs":100}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
"#,
    )
    .await;
    assert_eq!(peer.stats().subscriptions, 0);
}

#[tokio::test(start_paused = true)]
async fn credit_comes_back_when_half_of_the_window_was_taken() {
    let mut limits = Limits::server();
    limits.stream_window = 256;
    let services = Router::new().service(AdderServer::new(Sums::default()));
    let (mut raw, _) = Raw::connect(services, limits);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}
<-- {"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":256,"batch":100,"ack":true,"results":true,"sequences":true}}
--> {"jsonrpc":"2.0","id":1,"method":"sum","params":[0,{"$stream":"a"}]}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":1,"result":2}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":2,"result":2}}
<-- {"jsonrpc":"2.0","method":"$/credit","params":{"subscription":"a","bytes":128,"seq":2}}
"#,
    )
    .await;
}

/// A raw end that is called.
fn raw_callee() -> (Raw, AdderClient) {
    let (raw, peer) = Raw::connect(Router::new(), Limits::client());
    (raw, AdderClient::new(peer))
}

fn without_id(text: &str, id: &mut String) -> String {
    if id.is_empty() {
        let at = text.find("$stream").expect("a stream") + "$stream\":\"".len();
        *id = text[at..at + 32].to_owned();
    }
    text.replace(id.as_str(), "ID")
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_was_promised_is_waited_for() {
    let (mut raw, stub) = raw_callee();
    let call = stub.sum(0, numbers(2)).no_timeout().start();
    raw.send(r#"{"jsonrpc":"2.0","method":"note"}"#).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(raw.is_silent().await);
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":1000}}"#).await;
    assert!(raw.receive().await.contains("$/hello"));
    let mut id = String::new();
    for expected in [
        r#"{"jsonrpc":"2.0","method":"sum","params":[0,{"$stream":"ID"}],"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"$/item","params":{"subscription":"ID","seq":1,"result":1}}"#,
        r#"{"jsonrpc":"2.0","method":"$/item","params":{"subscription":"ID","seq":2,"result":2}}"#,
        r#"{"jsonrpc":"2.0","method":"$/item","params":{"subscription":"ID","seq":3,"done":true}}"#,
    ] {
        assert_eq!(without_id(&raw.receive().await, &mut id), expected);
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":3}"#).await;
    assert_eq!(call.await, Ok(3));
    // By now it is known, and nobody waits again.
    let _call = stub.sum(0, numbers(0)).no_timeout().start();
    assert!(raw.receive().await.contains(r#""method":"sum""#));
}

/// An end without a promise that the other one will say hello.
fn stranger(hello: Hello) -> (Raw, Peer) {
    let (near, far) = memory::transports(64 * 1024);
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    (config.hello, config.keepalive) = (hello, false);
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    (Raw::over(far), peer)
}

#[tokio::test(start_paused = true)]
async fn a_stranger_that_speaks_without_a_hello_takes_no_streams() {
    let note = r#"{"jsonrpc":"2.0","method":"note"}"#;
    for (hello, says) in [(Hello::Auto, note), (Hello::Always, r#"{"id":1,"result":1}"#)] {
        let (mut raw, peer) = stranger(hello);
        let stub = AdderClient::new(peer);
        let (first, second) = (stub.sum(0, numbers(2)).start(), stub.sum(0, numbers(2)).start());
        if hello == Hello::Always {
            assert!(raw.receive().await.contains("$/hello"));
            // It may have left before our hello was read.
            raw.send(note).await;
        }
        assert!(raw.is_silent().await);
        raw.send(says).await;
        for call in [first, second] {
            let error = call.await.unwrap_err();
            assert_eq!(error.fate(), Some(Fate::NotSent));
            let text = chain(&error);
            assert!(text.contains("takes no streams") && text.contains("Hello::Always"), "{text}");
        }
        assert!(raw.is_silent().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stranger_is_waited_for_five_seconds() {
    for hello in [Hello::Auto, Hello::Always] {
        let (_raw, peer) = stranger(hello);
        let start = tokio::time::Instant::now();
        let error = AdderClient::new(peer).sum(0, numbers(2)).await.unwrap_err();
        assert!(chain(&error).contains("takes no streams"), "{error:?}");
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_plain_sends_no_streams() {
    let (near, _far) = memory::transports(1024);
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.hello = Hello::Never;
    let endpoint = Endpoint::new(config);
    let stub = AdderClient::new(endpoint.peer());
    let _connection: Connection = endpoint.connect(near);
    let error = stub.sum(0, numbers(2)).await.unwrap_err();
    assert_eq!(error.fate(), Some(Fate::NotSent));
    assert!(chain(&error).contains("`plain`"), "{error:?}");
}

/// A raw callee that has said hello, and a call of it whose stream is filled by hand.
async fn streaming_call(
    window: u32,
) -> (Raw, mpsc::UnboundedSender<i64>, tokio::task::JoinHandle<Result<i64, CallError<ErrorObject>>>)
{
    let (mut raw, stub) = raw_callee();
    let hello = format!(
        r#"{{"jsonrpc":"2.0","method":"$/hello","params":{{"duplex":1,"window":{window}}}}}"#
    );
    raw.send(&hello).await;
    raw.receive().await;
    let (values, mut receiver) = mpsc::unbounded_channel();
    let stream = Streaming::new(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    let call = tokio::spawn(stub.sum(0, stream));
    let request = raw.receive().await;
    assert!(!request.contains("timeoutMs"), "what can be put off is not told: {request}");
    (raw, values, call)
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_begins_anew_with_each_item() {
    let (mut raw, values, call) = streaming_call(65_536).await;
    for value in 1..=10 {
        tokio::time::sleep(Duration::from_secs(29)).await;
        values.send(value).unwrap();
        raw.receive().await;
    }
    assert!(!call.is_finished());
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert!(!call.is_finished());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let fate = Fate::MaybeExecuted;
    assert_eq!(call.await.unwrap(), Err(CallError::Timeout { fate, heard: None }));
    assert!(raw.receive().await.contains("$/cancelRequest"));
    assert!(values.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_was_asked_for_stands() {
    let (near, _far) = ends();
    let (values, stream) = Streaming::channel(1);
    let call = tokio::spawn(near.sum(0, stream).timeout(Duration::from_secs(5)));
    for value in 0..4 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        values.send(value).await.unwrap();
    }
    assert!(!call.is_finished());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(matches!(call.await.unwrap(), Err(CallError::Timeout { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_stream_waits_for_credit_and_stops_when_told_to() {
    let (mut raw, values, _call) = streaming_call(128).await;
    for value in 1..=5 {
        values.send(value).unwrap();
    }
    let mut id = String::new();
    for _ in 0..2 {
        let item = raw.receive().await;
        let at = item.find("subscription\":\"").unwrap() + 15;
        item[at..at + 32].clone_into(&mut id);
    }
    assert!(raw.is_silent().await);
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":64}}"#)).await;
    assert!(raw.receive().await.contains(r#""result":3"#));
    assert!(raw.is_silent().await);
    raw.notify("$/stop", &format!(r#"{{"subscription":"{id}"}}"#)).await;
    values.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_turn_sends_no_items_before_it() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    raw.receive().await;
    let _first = peer.call::<()>("first", ()).start();
    let _second = AdderClient::new(peer).sum(0, numbers(1)).start();
    assert!(raw.receive().await.contains("first"));
    assert!(raw.is_silent().await);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":null}"#).await;
    assert!(raw.receive().await.contains("sum"));
    assert!(raw.receive().await.contains("$/item"));
}

/// Streams of all kinds, opened and left at random points by both ends: nothing stays.
#[tokio::test(start_paused = true)]
async fn many_streams_that_are_left_at_any_point_leave_nothing() {
    let kept = Arc::<Mutex<_>>::default();
    let services = || AdderServer::new(Sums { kept: kept.clone() });
    let (near, far) = memory::pair(services(), services());
    let mut seed = 12345_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % below
    };
    for _ in 0..2500 {
        let patience = Duration::from_micros(random(3000));
        let stub = AdderClient::new(if random(2) == 0 { near.clone() } else { far.clone() });
        let count = random(200) as i64;
        let left = async {
            match random(4) {
                0 => drop(stub.sum(0, numbers(count)).await),
                1 => drop(stub.some(random(5) as usize, numbers(count)).await),
                2 => drop(stub.keep(stalls(vec![1, 2]).0, true).await),
                _ => {
                    if let Ok(mut sums) = stub.running(numbers(count)).await {
                        for _ in 0..random(count as u64 + 1) {
                            sums.next().await;
                        }
                    }
                }
            }
        };
        let _ = tokio::time::timeout(patience, left).await;
    }
    drop(kept.lock().unwrap().take());
    at_rest(&[&near, &far]).await;
}

#[tokio::test(start_paused = true)]
async fn no_more_streams_are_sent_than_may_be() {
    let mut limits = Limits::client();
    limits.streams = 1;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    raw.receive().await;
    let stub = AdderClient::new(peer);
    let first = stub.sum(0, stalls(vec![]).0).start();
    let (stream, lives) = stalls(vec![]);
    assert_eq!(stub.sum(0, stream).await, Err(CallError::Busy));
    assert_eq!(lives.load(Ordering::SeqCst), 0);
    drop(first);
    let again = stub.sum(0, stalls(vec![]).0).start();
    assert!(format!("{again:?}").contains("Started"));
}

/// Lets one call wait, and gives its params to another.
struct Swaps;

impl Layer for Swaps {
    fn serve(&self, call: ServeRequest<'_>, next: ServeNext<'_>) -> Handler {
        let waits = r#"[0,{"$stream":"a"}]"#;
        if call.params().as_str() != Some(waits) {
            return next.serve(call.with_params(Params::new(waits).unwrap()));
        }
        let kept = next.keep(call);
        Handler::from_future(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            kept.serve().await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_belongs_to_the_request_that_it_came_with() {
    let swapped = AdderServer::new(Sums::default()).layer(Swaps);
    let (mut raw, peer) = Raw::connect(Router::new().service(swapped), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    raw.receive().await;
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"sum","params":[0,{"$stream":"a"}]}
--> {"jsonrpc":"2.0","id":2,"method":"sum","params":[0,{"$stream":"b"}]}
<-- {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"a stream that did not come with this request"}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":1,"result":5}}
--> {"jsonrpc":"2.0","method":"$/item","params":{"subscription":"a","seq":2,"done":true}}
<-- {"jsonrpc":"2.0","id":1,"result":5}
"#,
    )
    .await;
    assert_eq!(peer.stats().subscriptions, 0);
}

/// Both directions, where each end of each direction is seen from outside.
#[service]
trait Pipe {
    /// Keeps what comes, and gives what the test makes.
    async fn pipe(&self, values: Streaming<i64>) -> Streaming<i64>;
}

#[derive(Clone, Default)]
struct Held {
    values: Arc<Mutex<Option<Streaming<i64>>>>,
    given: Arc<Mutex<Option<rpc_core::StreamSender<i64>>>>,
}

impl Pipe for Held {
    async fn pipe(&self, values: Streaming<i64>) -> Streaming<i64> {
        *self.values.lock().unwrap() = Some(values);
        let (sender, stream) = Streaming::channel(1);
        *self.given.lock().unwrap() = Some(sender);
        stream
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_in_lasts_as_long_as_what_comes_out() {
    let held = Held::default();
    let (near, far) = memory::pair(Router::new(), PipeServer::new(held.clone()));
    let (stream, lives) = stalls(vec![1]);
    let mut out = PipeClient::new(near.clone()).pipe(stream).await.unwrap();
    let mut values = held.values.lock().unwrap().take().unwrap();
    assert_eq!(values.next().await, Some(Ok(1)));
    // The one who serves ends what comes out: nobody sends any more.
    drop(held.given.lock().unwrap().take());
    assert_eq!(out.next().await, None);
    settles(|| lives.load(Ordering::SeqCst) == 0).await;
    assert_eq!(values.next().await, Some(Err(StreamError::Cancelled)));
    drop((values, out));
    at_rest(&[&near, &far]).await;

    // The one who called drops what comes out.
    let (stream, lives) = stalls(vec![1]);
    let out = PipeClient::new(near.clone()).pipe(stream).await.unwrap();
    let mut values = held.values.lock().unwrap().take().unwrap();
    drop(out);
    settles(|| lives.load(Ordering::SeqCst) == 0).await;
    let left: Vec<_> = values.by_ref().collect().await;
    assert_eq!(left.last(), Some(&Err(StreamError::Cancelled)));
    drop(values);
    at_rest(&[&near, &far]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_request_never_started_is_forgotten_with_the_connection() {
    let mut limits = Limits::server();
    limits.queue = 1;
    let services = Router::new()
        .service(AdderServer::new(Sums::default()))
        .method("big", |_: Context, (): ()| async { Ok("x".repeat(1000)) });
    let (mut raw, peer) = Raw::connect_with(services, limits, 64);
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    raw.receive().await;
    // Nothing starts while the answer is not read.
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"big"}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"sum","params":[0,{"$stream":"a"}]}"#).await;
    settles(|| peer.stats().subscriptions == 1).await;
    peer.close(CloseCode::NORMAL, "");
    settles(|| peer.is_closed()).await;
    assert_eq!(peer.stats().subscriptions, 0);
}
