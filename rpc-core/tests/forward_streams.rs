//! Streams of calls that are handed on, both ways: as text, as fast as they are taken, and to their end.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::transport::EndpointConfig;
use rpc_core::{
    Base64, Context, ErrorObject, Limits, Peer, Progress, Router, RpcError, StreamError, Streaming,
    memory, service,
};
use serde_json::Value;
use support::rest::{Lives, at_rest, settles};
use support::{Raw, assert_same, id_of};

#[derive(Debug, PartialEq, thiserror::Error, RpcError)]
#[error("the feed is lost at {at}")]
#[rpc(code = 7)]
struct FeedLost {
    at: u32,
}

#[service(namespace = "feed")]
trait Feed {
    /// The numbers below `count`, each as a text of so many bytes.
    async fn numbers(&self, count: u64, bytes: usize) -> Streaming<String>;

    /// Items of one kind, under other names than the usual ones.
    #[subscription(
        name = "watch",
        item = "feed.watched",
        unsubscribe = "feed.unwatch",
        id_member = "watch_id"
    )]
    async fn watch(&self) -> Streaming<u32>;

    /// One item, then an error.
    async fn lost(&self) -> Streaming<u32, FeedLost>;

    /// Bytes, one after the other.
    async fn bytes(&self, count: usize) -> Streaming<Base64>;

    /// The sum, with a report of each value.
    async fn sum(&self, values: Streaming<u64>, progress: Progress<u64>) -> u64;

    /// The running sum.
    async fn running(&self, values: Streaming<u64>) -> Streaming<u64>;

    /// The first value, and no other.
    async fn first(&self, values: Streaming<u64>) -> u64;
}

/// Counts the items that it has made, and the streams that live.
#[derive(Clone, Default)]
struct Source {
    made: Arc<AtomicUsize>,
    lives: Arc<AtomicUsize>,
}

impl Source {
    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

impl Feed for Source {
    async fn numbers(&self, count: u64, bytes: usize) -> Streaming<String> {
        let (made, life) = (self.made.clone(), Lives::new(&self.lives));
        Streaming::new(stream::iter(0..count).map(move |number| {
            let _life = &life;
            made.fetch_add(1, Ordering::SeqCst);
            format!("{number:0bytes$}")
        }))
    }

    async fn watch(&self) -> Streaming<u32> {
        let life = Lives::new(&self.lives);
        let endless = stream::pending().map(move |item| {
            let _life = &life;
            item
        });
        Streaming::new(stream::iter([1, 2]).chain(endless))
    }

    async fn lost(&self) -> Streaming<u32, FeedLost> {
        Streaming::try_new(stream::iter([Ok(3), Err(FeedLost { at: 1 })]))
    }

    async fn bytes(&self, count: usize) -> Streaming<Base64> {
        Streaming::new(stream::iter((0..count).map(|at| vec![at as u8; 5000].into())))
    }

    async fn sum(&self, values: Streaming<u64>, progress: Progress<u64>) -> u64 {
        values
            .fold(0, |sum, value| {
                progress.report(&value.unwrap());
                std::future::ready(sum + 1)
            })
            .await
    }

    async fn running(&self, values: Streaming<u64>) -> Streaming<u64> {
        Streaming::new(values.scan(0, |sum, value| {
            *sum += value.unwrap_or_default();
            std::future::ready(Some(*sum))
        }))
    }

    async fn first(&self, mut values: Streaming<u64>) -> u64 {
        values.next().await.unwrap().unwrap()
    }
}

/// A source, a chain of ends that hand on to it, and a caller at the end of the chain.
struct Chain {
    source: Source,
    /// The peers of all ends. The last calls the chain.
    peers: Vec<Peer>,
}

impl Chain {
    async fn new(length: usize) -> Self {
        let source = Source::default();
        let mut router = Router::new().service(FeedServer::new(source.clone()));
        let mut peers = Vec::new();
        for _ in 0..=length {
            let (near, far) = memory::pair(Router::new(), router);
            // Each end has heard the hello of the other.
            assert!(near.call::<()>("rpc.none", ()).await.is_err());
            assert!(far.call::<()>("none", ()).await.is_err());
            router = Router::new().forward("feed.*", near.clone());
            peers.extend([far, near]);
        }
        Self { source, peers }
    }

    fn caller(&self) -> FeedClient {
        FeedClient::new(self.peers.last().unwrap().clone())
    }

    async fn is_at_rest(&self) {
        at_rest(&self.peers.iter().collect::<Vec<_>>()).await;
        settles(|| self.source.lives.load(Ordering::SeqCst) == 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn items_arrive_in_order_and_the_end_with_them() {
    for length in [1, 3] {
        let chain = Chain::new(length).await;
        let items: Vec<_> =
            chain.caller().numbers(1000, 100).await.unwrap().map(Result::unwrap).collect().await;
        let expected: Vec<_> = (0..1000).map(|number| format!("{number:0100}")).collect();
        assert_eq!(items, expected);
        let lost: Vec<_> = chain.caller().lost().await.unwrap().collect().await;
        assert_eq!(lost, [Ok(3), Err(StreamError::Method(FeedLost { at: 1 }))]);
        let bytes: Vec<_> =
            chain.caller().bytes(20).await.unwrap().map(Result::unwrap).collect().await;
        assert!(bytes.iter().enumerate().all(|(at, it)| it[..] == vec![at as u8; 5000]));
        chain.is_at_rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_receiver_slows_down_the_source() {
    let chain = Chain::new(2).await;
    let mut numbers = chain.caller().numbers(1_000_000, 1000).await.unwrap();
    assert!(numbers.next().await.unwrap().is_ok());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let made = chain.source.made();
    // A window of 64 KiB for each of the three legs, and one item ahead.
    assert!((65..=3 * 67).contains(&made), "{made}");
    for _ in 0..1000 {
        assert!(numbers.next().await.unwrap().is_ok());
    }
    let after = chain.source.made();
    assert!((1000..=1001 + 3 * 67 + 100).contains(&after), "{after}");
    drop(numbers);
    chain.is_at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_ends_at_its_source() {
    let chain = Chain::new(2).await;
    let mut watch = chain.caller().watch().await.unwrap();
    assert_eq!((watch.next().await, watch.next().await), (Some(Ok(1)), Some(Ok(2))));
    assert_eq!(chain.source.lives.load(Ordering::SeqCst), 1);
    drop(watch);
    chain.is_at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn streams_among_the_params_pass_through_and_progress_beside_them() {
    let chain = Chain::new(2).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let values = Streaming::new(stream::iter(0..5000));
    let sum = chain.caller().sum(values).on_progress(move |value| _ = tell.send(value));
    assert_eq!(sum.await.unwrap(), 5000);
    let mut last = None;
    while let Some(value) = told.recv().await {
        assert!(last < Some(value), "in order");
        last = Some(value);
    }
    assert_eq!(last, Some(4999), "of reports that wait the latest is kept");

    let (values, stream) = Streaming::channel(1);
    let mut running = chain.caller().running(stream).await.unwrap();
    for (value, expected) in [(1, 1), (2, 3), (3, 6)] {
        values.send(value).await.unwrap();
        assert_eq!(running.next().await, Some(Ok(expected)));
    }
    drop(values);
    assert_eq!(running.next().await, None);

    let (values, stream) = Streaming::channel(1);
    let first = chain.caller().first(stream).start();
    values.send(7).await.unwrap();
    assert_eq!(first.await.unwrap(), 7);
    values.closed().await;
    chain.is_at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_the_source_ends_a_stream_with_its_fate() {
    let chain = Chain::new(1).await;
    let mut watch = chain.caller().watch().await.unwrap();
    assert_eq!((watch.next().await, watch.next().await), (Some(Ok(1)), Some(Ok(2))));
    chain.peers[0].kick(1001.into(), "over");
    let Some(Err(StreamError::Remote(error))) = watch.next().await else { panic!("no error") };
    assert_eq!(error.code, -32014);
    assert_eq!(watch.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_the_caller_ends_the_stream_at_its_source() {
    let chain = Chain::new(1).await;
    let watch = chain.caller().watch().await.unwrap();
    let _numbers = chain.caller().numbers(1_000_000, 1000).await.unwrap();
    chain.peers[3].kick(1001.into(), "over");
    settles(|| chain.source.lives.load(Ordering::SeqCst) == 0).await;
    drop(watch);
    at_rest(&[&chain.peers[0], &chain.peers[1]]).await;
}

/// A raw caller and a raw source, with an end between them that hands on all.
fn raw() -> (Raw, Raw, Peer, Peer) {
    let (far, target) = Raw::connect(Router::new(), Limits::client());
    let (near, caller) = Raw::connect(Router::new().forward("*", target.clone()), Limits::server());
    (near, far, caller, target)
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_wire_of_a_stream_that_is_passed_on() {
    let (mut near, mut far, caller, target) = raw();
    far.greet().await;
    near.greet().await;
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m.ticks","params":["a"]}"#).await;
    let id = id_of(&far.receive().await);
    far.send(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"$stream":"far","item":"m.tick","unsubscribe":"m.stop"}}}}"#
    ))
    .await;
    let answer = parse(&near.receive().await);
    let own = answer["result"].as_str().expect("the id of a stream").to_owned();
    far.notify("m.tick", r#"{"subscription":"far","result":{"n": 1.0},"seq":1}"#).await;
    let item = near.receive().await;
    assert!(item.contains(r#""result":{"n": 1.0}"#), "as text: {item}");
    assert_eq!(parse(&item)["method"], "m.tick");
    assert_eq!(parse(&item)["params"]["subscription"], *own);
    // Under its name at the source, and the id that it has here.
    near.send(&format!(r#"{{"jsonrpc":"2.0","id":2,"method":"m.stop","params":["{own}"]}}"#)).await;
    assert_same(&near.receive().await, r#"{"jsonrpc":"2.0","id":2,"result":true}"#);
    let stop = parse(&far.receive().await);
    assert_eq!((&stop["method"], &stop["params"][0]), (&"m.stop".into(), &"far".into()));
    // A late item of it is no notification for anyone.
    far.notify("m.tick", r#"{"subscription":"far","result":2,"seq":2}"#).await;
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":true}}"#, stop["id"])).await;
    assert!(near.is_silent().await && far.is_silent().await);
    // Afterwards the name is the far end's again.
    near.send(&format!(r#"{{"jsonrpc":"2.0","id":3,"method":"m.stop","params":["{own}"]}}"#)).await;
    let again = parse(&far.receive().await);
    assert_eq!(again["params"][0], *own);
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":false}}"#, again["id"])).await;
    assert!(near.receive().await.contains("false"));
    at_rest(&[&caller, &target]).await;
}

#[tokio::test(start_paused = true)]
async fn a_plain_caller_sees_the_names_of_the_source() {
    let chain = Chain::new(0).await;
    let router = Router::new().forward("feed.*", chain.peers[1].clone());
    let (mut near, _caller) = Raw::connect(router, Limits::server());
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"feed.watch"}"#).await;
    let id = parse(&near.receive().await)["result"].clone();
    for item in [1, 2] {
        let expected = format!(
            r#"{{"jsonrpc":"2.0","method":"feed.watched","params":{{"watch_id":{id},"result":{item}}}}}"#
        );
        assert_same(&near.receive().await, &expected);
    }
    near.send(&format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"feed.unwatch","params":{{"watch_id":{id}}}}}"#
    ))
    .await;
    assert!(near.receive().await.contains("true"));
    chain.is_at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_a_gap_for_who_counts_and_the_end_for_a_plain_receiver() {
    for counts in [true, false] {
        let (mut near, mut far, caller, target) = raw();
        far.greet().await;
        if counts {
            near.greet().await;
        }
        near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
        let id = id_of(&far.receive().await);
        far.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"$stream":"far","item":"i","unsubscribe":"u"}}}}"#
        ))
        .await;
        near.receive().await;
        far.notify("i", r#"{"subscription":"far","result":1,"seq":1}"#).await;
        far.notify("i", r#"{"subscription":"far","result":4,"seq":4}"#).await;
        assert_eq!(parse(&near.receive().await)["params"]["result"], 1);
        let next = parse(&near.receive().await);
        if counts {
            assert_eq!((&next["params"]["result"], &next["params"]["seq"]), (&4.into(), &4.into()));
            far.notify("i", r#"{"subscription":"far","done":true,"seq":5}"#).await;
            assert_eq!(parse(&near.receive().await)["params"]["done"], true);
        } else {
            assert!(
                next["params"]["error"]["message"].as_str().unwrap().contains("2 items"),
                "{next}"
            );
            assert!(far.receive().await.contains(r#""method":"u""#));
        }
        settles(|| caller.stats().subscriptions + target.stats().subscriptions == 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_streams_and_wrong_references_are_refused() {
    let mut limits = Limits::client();
    limits.streams = 1;
    let (mut far, target) = Raw::connect(Router::new(), limits);
    let mut limits = Limits::server();
    limits.streams = 2;
    let (mut near, _caller) = Raw::connect(Router::new().forward("*", target.clone()), limits);
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[{"$stream":"a"}]}"#).await;
    assert!(near.receive().await.contains("needs a `$/hello` before"));
    far.greet().await;
    near.greet().await;
    let request =
        |id, params| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m","params":{params}}}"#);
    near.send(&request(1, r#"[{"$stream":"a"},{"$stream":"b"},{"$stream":"c"}]"#)).await;
    assert!(near.receive().await.contains("busy"), "more than `streams` of this leg");
    near.send(&request(1, r#"[{"$stream":"a"},{"$stream":"a"}]"#)).await;
    assert!(near.receive().await.contains("is open already"));
    near.send(&request(1, r#"[{"$stream":"a"},{"$stream":"b"}]"#)).await;
    let answer = loop {
        let message = near.receive().await;
        if !message.contains("$/stop") {
            break message;
        }
    };
    assert!(answer.contains("-32009"), "more than `streams` of the other leg: {answer}");
    near.send(&request(1, r#"[{"$stream":"a"}]"#).replace("}]}", r#"}],"idempotencyKey":"k"}"#))
        .await;
    assert!(near.receive().await.contains("a stream cannot be given again"));
    near.send(&request(1, r#"{"a":[{"$stream":"x"}],"b":{"\u0024stream":"y"}}"#)).await;
    let text = far.receive().await;
    assert!(text.contains(r#""a":[{"$stream":"x"}]"#), "only those at the top: {text}");
    let own = parse(&text)["params"]["b"]["$stream"].as_str().unwrap().to_owned();
    assert_ne!(own, "y", "an id of this end");
    near.notify("$/item", r#"{"subscription":"y","result":[ 1 ],"seq":1}"#).await;
    let item = far.receive().await;
    assert!(item.contains(r#""result":[ 1 ]"#) && item.contains(&own), "{item}");
    // Items of a stream that nobody opened, and of one that another caller opened, reach nobody.
    near.notify("$/item", r#"{"subscription":"z","result":1,"seq":1}"#).await;
    near.notify("$/item", &format!(r#"{{"subscription":"{own}","result":1,"seq":1}}"#)).await;
    assert!(far.is_silent().await);
    far.notify("$/stop", &format!(r#"{{"subscription":"{own}"}}"#)).await;
    assert_same(
        &near.receive().await,
        r#"{"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"y"}}"#,
    );
    // Too many answers that are streams: the second is ended at once.
    let first = id_of(&text);
    let opened = |id: &str, name| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"$stream":"{name}","item":"i","unsubscribe":"u"}}}}"#
        )
    };
    far.send(&opened(&first, "one")).await;
    near.receive().await;
    near.send(&request(2, "[]")).await;
    let second = id_of(&far.receive().await);
    far.send(&opened(&second, "two")).await;
    assert!(near.receive().await.contains("-32009"));
    assert!(far.receive().await.contains(r#""params":["two"]"#));
    near.close().await;
    assert!(far.receive().await.contains(r#""params":["one"]"#));
    settles(|| target.stats().subscriptions == 0).await;
}

#[tokio::test(start_paused = true)]
async fn ids_and_items_of_a_plain_source_are_results_and_notifications() {
    let (mut far, target) = Raw::connect_to_stranger(EndpointConfig::new(
        to(|it: &Ends| it.near.get()),
        Limits::server(),
    ));
    let (mut near, caller) =
        Raw::connect(Router::new().forward("*", target.clone()), Limits::server());
    target.set_value(Ends { near: OnceLock::from(caller.clone()) });
    near.send(r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#).await;
    let id = id_of(&far.receive().await);
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"0x1"}}"#)).await;
    assert_same(&near.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#);
    far.notify("eth_subscription", r#"{"subscription":"0x1","result":{"n": 1.0}}"#).await;
    let item = near.receive().await;
    assert!(item.contains(r#""params":{"subscription":"0x1","result":{"n": 1.0}}"#), "{item}");
    near.send(r#"{"jsonrpc":"2.0","id":2,"method":"eth_unsubscribe","params":["0x1"]}"#).await;
    let text = far.receive().await;
    assert!(text.contains(r#""params":["0x1"]"#), "{text}");
    far.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":true}}"#, id_of(&text))).await;
    assert!(near.receive().await.contains("true"));
    at_rest(&[&caller, &target]).await;
}

/// The other end of a connection that is handed on, a value of the connection.
struct Ends {
    near: OnceLock<Peer>,
}

/// Hands all on to a peer that the connection knows.
fn to(find: impl Fn(&Ends) -> Option<&Peer> + Send + Sync + 'static) -> Router {
    Router::new().forward_to("*", move |cx: &Context| {
        let ends = cx.value::<Ends>();
        ends.and_then(|ends| find(&ends).cloned()).ok_or_else(|| ErrorObject::busy("peers"))
    })
}
