//! What becomes of items for which the other end has no room: each loss is a gap that is counted.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::transport::Hello;
use rpc_core::{
    CloseCode, Context, Lag, Limits, Peer, Router, StreamError, StreamSender, Streaming, memory,
};
use serde_json::Value;
use support::Raw;
use tokio::sync::mpsc;

type Tick = (char, u64);

/// A service whose one stream is filled by hand; its takers have room for two items.
fn feed(
    lag: impl Fn() -> Lag<Tick> + Send + Sync + 'static,
) -> (Router, mpsc::UnboundedReceiver<StreamSender<Tick>>) {
    let (senders, made) = mpsc::unbounded_channel();
    let services = Router::new().subscription("ticks", "stop", move |_: Context, (): ()| {
        let (sender, stream) = Streaming::channel(1);
        senders.send(sender).unwrap();
        let stream = stream.lag(lag(), 3);
        async move { Ok(stream) }
    });
    (services, made)
}

/// Both ends of our kind; the taker has room for two items.
async fn negotiated(
    lag: impl Fn() -> Lag<Tick> + Send + Sync + 'static,
) -> (Streaming<Tick>, StreamSender<Tick>, Peer) {
    let (services, mut made) = feed(lag);
    let (near, far) = memory::transports(1 << 16);
    let mut limits = Limits::client();
    limits.stream_window = 128;
    let mut config = rpc_core::transport::EndpointConfig::new(Router::new(), limits);
    config.hello = Hello::Always;
    let client = rpc_core::transport::Endpoint::new(config);
    let server = rpc_core::transport::Endpoint::new(rpc_core::transport::EndpointConfig::new(
        services,
        Limits::server(),
    ));
    let (peer, served) = (client.peer(), server.peer());
    tokio::spawn(client.connect(near));
    tokio::spawn(server.connect(far));
    let taken = peer.subscribe("ticks", "stop", ()).await.unwrap();
    (taken, made.recv().await.unwrap(), served)
}

/// Sends `a 1`, `b 1`, `a 2`, … as fast as they are taken, so far as they are.
async fn flood(sender: &StreamSender<Tick>, count: u64) {
    for n in 1..=count {
        for key in ['a', 'b'] {
            let sent = tokio::time::timeout(Duration::from_millis(10), sender.send((key, n))).await;
            if sent.is_err() {
                return;
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Items, and how many are missing in each place.
async fn all(taken: Streaming<Tick>) -> (Vec<Tick>, Vec<u64>) {
    let (mut items, mut gaps) = (Vec::new(), Vec::new());
    let mut taken = std::pin::pin!(taken);
    while let Some(item) = taken.next().await {
        match item {
            Ok(item) => items.push(item),
            Err(StreamError::Gap { missed }) => gaps.push(missed),
            Err(error) => panic!("{error}"),
        }
    }
    (items, gaps)
}

#[tokio::test(start_paused = true)]
async fn who_waits_loses_nothing() {
    let (mut taken, sender, server) = negotiated(|| Lag::Wait).await;
    let filled = tokio::spawn(async move {
        for n in 0..1000 {
            sender.send(('a', n)).await.unwrap();
        }
    });
    for n in 0..1000 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(taken.next().await, Some(Ok(('a', n))));
    }
    assert_eq!(taken.next().await, None);
    filled.await.unwrap();
    assert_eq!(server.stats().counters.dropped, 0);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_are_dropped_and_the_gap_is_where_they_were() {
    let (taken, sender, server) = negotiated(|| Lag::DropOldest).await;
    flood(&sender, 10).await;
    assert_eq!(server.stats().counters.dropped, 15, "two went out, three wait");
    drop(sender);
    let (items, gaps) = all(taken).await;
    assert_eq!(items, [('a', 1), ('b', 1), ('b', 9), ('a', 10), ('b', 10)]);
    assert_eq!(gaps, [15]);
}

#[tokio::test(start_paused = true)]
async fn the_newest_are_dropped_and_the_gap_is_at_the_end() {
    let (taken, sender, server) = negotiated(|| Lag::DropNewest).await;
    flood(&sender, 10).await;
    assert_eq!(server.stats().counters.dropped, 15);
    drop(sender);
    let (items, gaps) = all(taken).await;
    assert_eq!(items, [('a', 1), ('b', 1), ('a', 2), ('b', 2), ('a', 3)]);
    assert_eq!(gaps, [15]);
}

#[tokio::test(start_paused = true)]
async fn of_each_key_the_latest_is_kept() {
    let latest = || Lag::latest_by(|tick: &Tick| tick.0);
    let (taken, sender, server) = negotiated(latest).await;
    flood(&sender, 10).await;
    assert_eq!(server.stats().counters.dropped, 16);
    drop(sender);
    let (items, gaps) = all(taken).await;
    assert_eq!(items, [('a', 1), ('b', 1), ('a', 10), ('b', 10)]);
    assert_eq!(gaps.iter().sum::<u64>(), 16);
}

#[tokio::test(start_paused = true)]
async fn who_must_not_lag_is_disconnected() {
    let (taken, sender, server) = negotiated(|| Lag::Disconnect).await;
    flood(&sender, 10).await;
    let reason = server.closed().await;
    assert_eq!(reason.code, Some(CloseCode::SLOW_READER));
    assert_eq!(reason.reason, "reads a stream too slowly");
    sender.closed().await;
    drop(taken);
}

#[tokio::test(start_paused = true)]
async fn a_taker_that_keeps_up_loses_nothing_whatever_the_policy() {
    for lag in [
        || Lag::DropOldest,
        || Lag::DropNewest,
        || Lag::latest_by(|tick: &Tick| tick.0),
        || Lag::Disconnect,
    ] {
        let (mut taken, sender, server) = negotiated(lag).await;
        for n in 0..1000 {
            sender.send(('a', n)).await.unwrap();
            assert_eq!(taken.next().await, Some(Ok(('a', n))));
        }
        assert_eq!(server.stats().counters.dropped, 0);
    }
}

/// However fast the source is and however little may wait.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_while_there_is_room_at_the_other_end() {
    let services = Router::new().subscription("ticks", "stop", |_: Context, (): ()| async {
        Ok(Streaming::new(stream::iter(0..500)).lag(Lag::DropOldest, 1))
    });
    let (peer, server) = memory::pair(Router::new(), services);
    let ticks = peer.subscribe::<u32>("ticks", "stop", ()).await.unwrap();
    let items: Vec<_> = ticks.collect().await;
    assert_eq!(items, (0..500).map(Ok).collect::<Vec<_>>());
    assert_eq!(server.stats().counters.dropped, 0);
}

/// A plain peer that does not read: what the queue has no room for is dropped, not kept.
#[tokio::test(start_paused = true)]
async fn towards_a_plain_peer_the_queue_is_what_bounds() {
    let made = Arc::<AtomicU64>::default();
    let count = made.clone();
    let services = Router::new().subscription("ticks", "stop", move |_: Context, (): ()| {
        let count = count.clone();
        // As many as are asked for, and then none for a while.
        let ticks = stream::unfold(0, move |n| {
            let count = count.clone();
            async move {
                if n % 10_000 == 9_999 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                count.store(n, Ordering::SeqCst);
                Some((n, n + 1))
            }
        });
        async move { Ok(Streaming::new(ticks).lag(Lag::DropOldest, 3)) }
    });
    let mut limits = Limits::server();
    limits.queue = 1024;
    let (mut raw, peer) = Raw::connect_with(services, limits, 256);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"ticks"}"#).await;
    raw.receive().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(peer.stats().queue_bytes < 2048);
    let dropped = peer.stats().counters.dropped;
    assert!(dropped > 50_000, "{dropped} of {}", made.load(Ordering::SeqCst));
    let mut last = None;
    for _ in 0..100 {
        let item: Value = serde_json::from_str(&raw.receive().await).unwrap();
        assert_eq!(item.pointer("/params/seq"), None);
        let n = item.pointer("/params/result").unwrap().as_u64();
        assert!(n > last);
        last = n;
    }
    // Calls go on beside it.
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"$/ping"}"#).await;
    while !raw.receive().await.contains(r#""id":2"#) {}
}
