//! Items that are fresh when they are taken: how many are on their way, towards each kind of taker.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream;
use rpc_core::memory::{self, Faults, Pipe};
use rpc_core::transport::{Accepted, Endpoint, EndpointConfig, SessionMode};
use rpc_core::{Context, Lag, Limits, Peer, Router, StreamError, Streaming, service};
use serde_json::Value;
use support::Raw;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

const MS: Duration = Duration::from_millis(1);
const KEYS: u64 = 20;

/// A key, the number of the tick, and when it was made: milliseconds since the start of the test.
type Tick = (u64, u64, u64);

fn since(start: Instant) -> u64 {
    start.elapsed().as_millis().try_into().unwrap()
}

/// 500 ticks each second, of one key after the other.
fn ticks(start: Instant) -> Streaming<Tick> {
    let mut each = interval(2 * MS);
    each.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let ticks = stream::unfold((each, 0), move |(mut each, number)| async move {
        each.tick().await;
        Some(((number % KEYS, number, since(start)), (each, number + 1)))
    });
    Streaming::new(ticks).lag(Lag::latest_by(|tick: &Tick| tick.0), 1000)
}

fn feed(start: Instant) -> Router {
    Router::new()
        .subscription("ticks", "stop", move |_: Context, (): ()| async move { Ok(ticks(start)) })
}

/// Both ends of our kind over a link with this round trip.
fn pair(services: Router, round_trip: Duration, has_session: bool) -> (Peer, Faults) {
    let config = |services, limits, sessions| {
        let mut config = EndpointConfig::new(services, limits);
        config.sessions = if has_session { sessions } else { SessionMode::Off };
        config
    };
    let near = Endpoint::new(config(Router::new(), Limits::client(), SessionMode::Ask));
    let far = Endpoint::new(config(services, Limits::server(), SessionMode::Grant));
    let (left, right) = memory::transports(1 << 20);
    let faults = left.faults();
    faults.delay(round_trip / 2);
    let peer = near.peer();
    far.set_extended(false);
    if has_session {
        let mut connection = near.without_link();
        connection.attach(left, true);
        tokio::spawn(connection);
        tokio::spawn(accept(far, right));
    } else {
        near.set_extended(true);
        tokio::spawn(near.connect(left));
        tokio::spawn(far.connect(right));
    }
    (peer, faults)
}

async fn accept(far: Endpoint, link: Pipe) {
    if let Accepted::Fresh(connection) = far.accept(link, |_, _| true).await {
        connection.await;
    }
}

/// What a taker got in some time.
#[derive(Debug, Default)]
struct Got {
    items: u64,
    missed: u64,
    /// The greatest age of an item, in milliseconds.
    oldest: u64,
    /// The greatest time between two items of a key.
    longest: u64,
}

/// One who takes ticks, and needs some time for each.
struct Taker {
    ticks: Streaming<Tick>,
    start: Instant,
    /// When each key was taken last.
    last: [u64; KEYS as usize],
}

impl Taker {
    async fn subscribe(peer: &Peer, start: Instant) -> Self {
        let ticks = peer.subscribe("ticks", "stop", ()).await.unwrap();
        Self { ticks, start, last: [0; KEYS as usize] }
    }

    /// Takes ticks for a while, each in the time that it `needs`.
    async fn take(&mut self, time: Duration, needs: Duration) -> Got {
        let until = Instant::now() + time;
        let mut got = Got::default();
        while Instant::now() < until {
            match self.ticks.next().await.unwrap() {
                Ok((key, _, made)) => {
                    let now = since(self.start);
                    let last = std::mem::replace(&mut self.last[key as usize], now);
                    got.items += 1;
                    got.oldest = got.oldest.max(now - made);
                    got.longest = got.longest.max(now - last);
                    if !needs.is_zero() {
                        sleep(needs).await;
                    }
                }
                Err(StreamError::Gap { missed }) => got.missed += missed,
                Err(error) => panic!("{error}"),
            }
        }
        got
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_taker_gets_is_fresh() {
    for has_session in [false, true] {
        let start = Instant::now();
        let (peer, _) = pair(feed(start), Duration::ZERO, has_session);
        let mut taker = Taker::subscribe(&peer, start).await;
        taker.take(1000 * MS, 20 * MS).await;
        let got = taker.take(12_000 * MS, 20 * MS).await;
        assert!(got.oldest <= 100, "{got:?}");
        assert!(got.items >= 588, "the taker always has something to take: {got:?}");
        assert!(got.longest <= 450, "each key has its turn: {got:?}");
    }
}

/// Half of the round trip comes on top of the age.
#[tokio::test(start_paused = true)]
async fn what_a_slow_taker_gets_over_a_long_link_is_as_fresh_as_can_be() {
    for has_session in [false, true] {
        let start = Instant::now();
        let (peer, _) = pair(feed(start), 100 * MS, has_session);
        let mut taker = Taker::subscribe(&peer, start).await;
        taker.take(3000 * MS, 20 * MS).await;
        let got = taker.take(12_000 * MS, 20 * MS).await;
        assert!(got.oldest <= 50 + 100, "{got:?}");
        assert!(got.items >= 560, "{got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_taker_that_keeps_up_misses_nothing() {
    for (round_trip, has_session) in [(0, false), (100, false), (0, true), (100, true)] {
        for needs in [Duration::ZERO, MS] {
            let start = Instant::now();
            let (peer, _) = pair(feed(start), round_trip * MS, has_session);
            let mut taker = Taker::subscribe(&peer, start).await;
            // At the beginning one item of each key is on its way, which is less than a long link holds.
            let begun = taker.take(1000 * MS, needs).await;
            assert!(round_trip > 0 || begun.missed == 0, "{begun:?}");
            let got = taker.take(12_000 * MS, needs).await;
            assert_eq!(got.missed, 0, "{round_trip} ms, session {has_session}: {got:?}");
            assert!(got.oldest <= u64::from(round_trip) / 2 + 4, "{got:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_taker_that_becomes_quick_soon_misses_nothing_more() {
    let start = Instant::now();
    let (peer, _) = pair(feed(start), 100 * MS, false);
    let mut taker = Taker::subscribe(&peer, start).await;
    taker.take(8000 * MS, 20 * MS).await;
    taker.take(2000 * MS, Duration::ZERO).await;
    let got = taker.take(8000 * MS, Duration::ZERO).await;
    assert_eq!(got.missed, 0, "{got:?}");
    // One that pauses and is slow then gets nothing old after a second.
    sleep(10_000 * MS).await;
    taker.take(2000 * MS, 20 * MS).await;
    let got = taker.take(3000 * MS, 20 * MS).await;
    assert!(got.oldest <= 50 + 100, "{got:?}");
}

/// The stream goes on where the link breaks off and comes again.
#[tokio::test(start_paused = true)]
async fn items_on_their_way_survive_a_link_that_stalls() {
    for has_session in [false, true] {
        let start = Instant::now();
        let (peer, faults) = pair(feed(start), Duration::ZERO, has_session);
        let mut taker = Taker::subscribe(&peer, start).await;
        taker.take(3000 * MS, 20 * MS).await;
        faults.stall();
        tokio::spawn(async move {
            sleep(5000 * MS).await;
            faults.resume();
        });
        taker.take(6000 * MS, 20 * MS).await;
        let got = taker.take(10_000 * MS, 20 * MS).await;
        assert!(got.oldest <= 120 && got.items >= 480, "{got:?}");
    }
}

/// A source that always has an item took all of each turn, and the credit for its items was read between turns.
#[tokio::test(start_paused = true)]
async fn a_source_that_never_rests_keeps_no_credit_waiting() {
    let made = Arc::new(AtomicU64::new(0));
    let count = made.clone();
    let services = Router::new().subscription("ticks", "stop", move |_: Context, (): ()| {
        let count = count.clone();
        let ticks = stream::repeat_with(move || count.fetch_add(1, Ordering::Relaxed));
        let ticks = Streaming::new(ticks).lag(Lag::latest_by(|tick: &u64| tick % KEYS), 1000);
        async move { Ok(ticks) }
    });
    let (peer, _) = pair(services, Duration::ZERO, false);
    let mut ticks = peer.subscribe::<u64>("ticks", "stop", ()).await.unwrap();
    let mut taken = 0;
    while taken < 2000 {
        taken += u64::from(ticks.next().await.unwrap().is_ok());
    }
    let made = made.load(Ordering::Relaxed);
    assert!(made < 10 * taken, "{made}");
}

#[service]
trait Board {
    /// The age of the oldest tick that comes in ten seconds, after the first second.
    async fn oldest(&self, ticks: Streaming<Tick>) -> u64;
}

struct Slow(Instant);

impl Board for Slow {
    async fn oldest(&self, ticks: Streaming<Tick>) -> u64 {
        let mut taker = Taker { ticks, start: self.0, last: [0; KEYS as usize] };
        taker.take(1000 * MS, 20 * MS).await;
        taker.take(10_000 * MS, 20 * MS).await.oldest
    }
}

/// A stream among the params of a call, from the client to the server.
#[tokio::test(start_paused = true)]
async fn a_slow_method_gets_fresh_items() {
    let start = Instant::now();
    let services = Router::new().service(BoardServer::new(Slow(start)));
    let (peer, _) = pair(services, Duration::ZERO, false);
    let oldest = BoardClient::new(peer).oldest(ticks(start)).await.unwrap();
    assert!(oldest <= 100, "{oldest}");
}

/// A raw end that gets numbers, of which `n` may be on their way; what it says in its hello.
async fn counted(n: usize, hello: &str) -> (Raw, String) {
    let services = Router::new().subscription("numbers", "stop", move |_: Context, (): ()| {
        let numbers = Streaming::new(stream::iter(1..=10_000)).in_flight(n);
        async move { Ok(numbers) }
    });
    let (mut raw, _) = Raw::connect(services, Limits::server());
    raw.notify("$/hello", hello).await;
    assert!(raw.receive().await.contains(r#""ack":true"#), "this end answers who asks");
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"numbers"}"#).await;
    let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
    (raw, answer["result"].as_str().unwrap().to_owned())
}

/// The number of the next item, and whether it asks for credit.
async fn number(raw: &mut Raw) -> (u64, bool) {
    let item: Value = serde_json::from_str(&raw.receive().await).unwrap();
    let params = &item["params"];
    assert_eq!(params["seq"], params["result"]);
    let asks = params.get("ack").map(|ack| assert_eq!(*ack, true)).is_some();
    (params["seq"].as_u64().unwrap(), asks)
}

#[tokio::test(start_paused = true)]
async fn no_more_items_than_the_program_says_are_on_their_way() {
    let (mut raw, id) = counted(3, r#"{"duplex":1,"ack":true}"#).await;
    for seq in 1..=3 {
        assert_eq!(number(&mut raw).await, (seq, true));
    }
    assert!(raw.is_silent().await);
    for (consumed, next) in [(1, 4..=4), (3, 5..=6)] {
        let credit = format!(r#"{{"subscription":"{id}","bytes":64,"seq":{consumed}}}"#);
        raw.notify("$/credit", &credit).await;
        for seq in next {
            assert_eq!(number(&mut raw).await, (seq, true));
        }
        assert!(raw.is_silent().await);
    }
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":64}}"#)).await;
    assert!(raw.is_silent().await, "credit that names no item");
}

/// A peer that does not say that it answers gives credit by bytes, and gets what its credit allows.
#[tokio::test(start_paused = true)]
async fn who_gives_credit_by_bytes_alone_is_never_waited_for() {
    let (mut raw, id) = counted(1, r#"{"duplex":1,"window":640}"#).await;
    let mut seen = 0;
    for _ in 0..20 {
        for _ in 0..10 {
            seen += 1;
            assert_eq!(number(&mut raw).await, (seen, seen == 1));
        }
        assert!(raw.is_silent().await);
        raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":640}}"#)).await;
    }
    // One that names the item is one that answers.
    for _ in 0..10 {
        number(&mut raw).await;
    }
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":640,"seq":210}}"#)).await;
    assert_eq!(number(&mut raw).await, (211, true));
    assert!(raw.is_silent().await);
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":64,"seq":211}}"#)).await;
    assert_eq!(number(&mut raw).await, (212, true));
}

/// What a raw end that offers items hears of them.
#[tokio::test(start_paused = true)]
async fn an_item_that_asks_is_answered_when_it_is_consumed() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    raw.greet().await;
    let subscribed = tokio::spawn(async move {
        peer.subscribe::<u64>("numbers", "stop", ()).await.map(|stream| (stream, peer))
    });
    let call: Value = serde_json::from_str(&raw.receive().await).unwrap();
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":"s"}}"#, call["id"])).await;
    let (mut numbers, _peer) = subscribed.await.unwrap().unwrap();
    for (seq, ack) in [(1, r#","ack":true"#), (2, ""), (3, r#","ack":true"#)] {
        let item = format!(r#"{{"subscription":"s","seq":{seq}{ack},"result":{seq}}}"#);
        raw.notify("numbers", &item).await;
    }
    assert!(raw.is_silent().await, "nothing is consumed");
    let credit = |bytes: u64, seq: u64| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"$/credit","params":{{"subscription":"s","bytes":{bytes},"seq":{seq}}}}}"#
        )
    };
    assert_eq!(numbers.next().await, Some(Ok(1)));
    assert_eq!(raw.receive().await, credit(64, 1));
    assert_eq!(numbers.next().await, Some(Ok(2)));
    assert!(raw.is_silent().await, "it did not ask");
    assert_eq!(numbers.next().await, Some(Ok(3)));
    assert_eq!(raw.receive().await, credit(128, 3));
}

/// A plain peer sees nothing but JSON-RPC 2.0, and not much of a stream waits for it here.
#[tokio::test(start_paused = true)]
async fn towards_a_plain_peer_little_waits_here() {
    let start = Instant::now();
    let (mut raw, _) = Raw::connect_with(feed(start), Limits::server(), 1024);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks"}"#).await;
    raw.receive().await;
    let mut oldest = 0;
    for taken in 0..1000 {
        let item: Value = serde_json::from_str(&raw.receive().await).unwrap();
        let params = item["params"].as_object().unwrap();
        assert!(params.keys().eq(["result", "subscription"]), "{item}");
        if taken > 200 {
            oldest = oldest.max(since(start) - params["result"][2].as_u64().unwrap());
        }
        sleep(20 * MS).await;
    }
    // 1 KiB lies in the link, 4 KiB in the transport and 4 KiB in the queue, each at about 100 bytes for an item.
    assert!(oldest <= 2000, "{oldest}");
}

#[tokio::test(start_paused = true)]
async fn a_plain_peer_that_keeps_up_misses_nothing() {
    let services = Router::new().subscription("numbers", "stop", move |_: Context, (): ()| {
        let numbers = Streaming::new(stream::iter(0..10_000u64)).in_flight(1);
        async move { Ok(numbers) }
    });
    let (mut raw, _) = Raw::connect(services, Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"numbers"}"#).await;
    raw.receive().await;
    for number in 0..10_000u64 {
        let item: Value = serde_json::from_str(&raw.receive().await).unwrap();
        assert_eq!(item["params"]["result"], number);
    }
}

#[test]
#[should_panic(expected = "one item at least")]
fn a_stream_without_room_for_any_item_is_refused() {
    drop(Streaming::<u64>::new(stream::empty()).in_flight(0));
}
