//! Events that many subscribe to: each taker gets them in order, late ones with a history, slow ones with a gap.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::{
    Context, Lag, Limits, Peer, Router, RpcError, StreamError, Streaming, Topic, View, memory,
};
use serde::{Deserialize, Serialize, Serializer};
use support::Raw;

type Item<T> = Result<T, StreamError>;

fn events(topic: &Topic<u64>) -> Router {
    let topic = topic.clone();
    Router::new().subscription("events", "stop", move |_: Context, (): ()| {
        let events = topic.subscribe();
        async move { Ok(events) }
    })
}

/// A taker whose end has room for `window` bytes of items, and the publishing end.
async fn taker(services: Router, window: usize) -> (Streaming<u64>, Peer) {
    let (near, far) = memory::transports(1 << 16);
    let mut limits = Limits::client();
    limits.stream_window = window;
    limits.stream_window_max = window;
    let mut config = EndpointConfig::new(Router::new(), limits);
    config.hello = Hello::Always;
    let client = Endpoint::new(config);
    let server = Endpoint::new(EndpointConfig::new(services, Limits::server()));
    let (peer, served) = (client.peer(), server.peer());
    tokio::spawn(client.connect(near));
    tokio::spawn(server.connect(far));
    (peer.subscribe("events", "stop", ()).await.unwrap(), served)
}

async fn all(taken: Streaming<u64>) -> Vec<Item<u64>> {
    taken.collect().await
}

#[tokio::test(start_paused = true)]
async fn each_taker_gets_all_events_in_order() {
    let topic = Topic::new();
    let mut takers = Vec::new();
    for _ in 0..20 {
        takers.push(taker(events(&topic), 1 << 16).await);
    }
    assert_eq!(topic.takers(), 20);
    for event in 0..500 {
        assert_eq!(topic.publish(event).unwrap(), 20);
    }
    topic.close();
    for (taken, _peer) in takers {
        assert_eq!(all(taken).await, (0..500).map(Ok).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_serialised_once_for_all() {
    #[derive(Deserialize)]
    struct Counted;
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            WRITTEN.fetch_add(1, Ordering::SeqCst);
            serializer.serialize_unit()
        }
    }
    let topic = Topic::<Counted>::new();
    let offers = topic.clone();
    let services = Router::new().subscription("events", "stop", move |_: Context, (): ()| {
        let lag = offers.takers().is_multiple_of(2).then(|| Lag::latest_by(|_: &Counted| ()));
        let events = offers.subscribe().lag(lag.unwrap_or(Lag::Wait), 3);
        async move { Ok(events) }
    });
    let (peer, _served) = memory::pair(Router::new(), services);
    let mut takers = Vec::new();
    for _ in 0..10 {
        takers.push(peer.subscribe::<()>("events", "stop", ()).await.unwrap());
    }
    topic.publish(Counted).unwrap();
    for taken in &mut takers {
        assert_eq!(taken.next().await, Some(Ok(())));
    }
    assert_eq!(WRITTEN.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_gets_the_history() {
    let topic = Topic::<u64>::builder().history(3).build();
    (0..5).for_each(|event| _ = topic.publish(event).unwrap());
    let (late, _peer) = taker(events(&topic), 1 << 16).await;
    topic.publish(5).unwrap();
    topic.close();
    assert_eq!(all(late).await, [2, 3, 4, 5].map(Ok));
}

#[tokio::test(start_paused = true)]
async fn a_slow_taker_gets_a_gap_and_then_what_is_kept() {
    let topic = Topic::<u64>::builder().keep(4).build();
    let (mut slow, served) = taker(events(&topic), 64).await;
    let (quick, _peer) = taker(events(&topic), 1 << 16).await;
    let quick = tokio::spawn(all(quick));
    for event in 0..100 {
        topic.publish(event).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    topic.close();
    let (mut got, mut missed) = (Vec::new(), 0);
    while let Some(item) = slow.next().await {
        match item {
            Ok(event) => {
                assert_eq!(event, got.len() as u64 + missed, "a gap says how many are missing");
                got.push(event);
            }
            Err(StreamError::Gap { missed: count }) => missed += count,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(missed > 80 && got.ends_with(&[96, 97, 98, 99]), "{missed} missing, {got:?}");
    assert_eq!(served.stats().counters.dropped, missed);
    assert_eq!(quick.await.unwrap(), (0..100).map(Ok).collect::<Vec<_>>(), "delayed by nobody");
}

#[tokio::test(start_paused = true)]
async fn the_events_that_are_kept_are_bounded_in_bytes() {
    let topic = Topic::<String>::builder().history(1000).keep_bytes(1000).build();
    (0..100).for_each(|_| _ = topic.publish("x".repeat(98)).unwrap());
    let mut late = topic.subscribe::<rpc_core::types::Untyped>();
    topic.close();
    let mut count = 0;
    while let Some(Ok(_)) = late.next().await {
        count += 1;
    }
    assert_eq!(count, 10);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_one_taker_is_of_that_taker() {
    let topic = Topic::<u64>::new();
    let offers = topic.clone();
    let services = Router::new().subscription("events", "stop", move |_: Context, (): ()| {
        let events = offers.subscribe().lag(Lag::latest_by(|event: &u64| event % 2), 2);
        async move { Ok(events) }
    });
    let (mut slow, _peer) = taker(services, 64).await;
    for event in 0..100 {
        topic.publish(event).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    topic.close();
    let mut got = Vec::new();
    while let Some(item) = slow.next().await {
        got.extend(item.ok());
    }
    let last: std::collections::BTreeSet<_> = got.iter().rev().take(2).copied().collect();
    assert!(last == [98, 99].into() && got.len() < 10, "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn a_view_decides_for_each_taker() {
    let topic = Topic::<u64>::new();
    let mut own = topic.subscribe_as::<rpc_core::types::Untyped>(|event| match event % 3 {
        0 => View::All,
        1 => View::Part(event * 100),
        _ => View::Hidden,
    });
    (0..200).for_each(|event| _ = topic.publish(event).unwrap());
    topic.close();
    let expected = (0..200).filter(|event| event % 3 < 2);
    for event in expected {
        let shown = if event % 3 == 0 { event } else { event * 100 };
        assert_eq!(own.next().await, Some(Ok(shown)));
    }
    assert_eq!(own.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_sent_reaches_nobody() {
    let topic = Topic::<String>::builder().event_bytes(10).build();
    let mut taken = topic.subscribe::<rpc_core::types::Untyped>();
    let error = topic.publish("x".repeat(9)).unwrap_err();
    assert_eq!(error.message(), "an event of 11 bytes is longer than `event_bytes`, which is 10");
    topic.publish("x".repeat(8)).unwrap();
    assert_eq!(taken.next().await, Some(Ok("x".repeat(8))));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_ends_its_streams_after_its_events() {
    #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
    #[error("the exchange is closed")]
    #[rpc(code = 7)]
    struct Closed;

    let topic = Topic::new();
    let (taken, _peer) = taker(events(&topic), 1 << 16).await;
    topic.publish(1).unwrap();
    topic.fail(Closed);
    let items: Vec<_> = taken.typed::<Closed>().collect().await;
    assert_eq!(items, [Ok(1), Err(StreamError::Method(Closed))]);
}

#[tokio::test(start_paused = true)]
async fn a_taker_that_goes_is_forgotten() {
    let topic = Topic::new();
    let (taken, served) = taker(events(&topic), 1 << 16).await;
    let (other, _peer) = taker(events(&topic), 1 << 16).await;
    drop(taken);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(topic.takers(), 1);
    served.kick(rpc_core::CloseCode::POLICY, "bye");
    topic.publish(1).unwrap();
    topic.close();
    assert_eq!(all(other).await, [Ok(1)]);
}

/// A plain peer knows neither credit nor numbers: it gets what there is room for.
#[tokio::test(start_paused = true)]
async fn a_plain_peer_takes_a_topic() {
    let topic = Topic::new();
    let (mut raw, _peer) = Raw::connect(events(&topic), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"events"}"#).await;
    let answer = raw.receive().await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let id = answer["result"].as_str().unwrap().to_owned();
    topic.publish(7).unwrap();
    support::assert_same(
        &raw.receive().await,
        &format!(
            r#"{{"jsonrpc":"2.0","method":"events","params":{{"subscription":"{id}","result":7}}}}"#
        ),
    );
}

/// Publishers on several threads, and takers that come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takers_come_and_go_while_events_are_published() {
    let topic = Topic::<u64>::builder().keep(1 << 16).build();
    let published = Arc::new(AtomicUsize::new(0));
    let mut publishers = Vec::new();
    for _ in 0..2 {
        let (topic, published) = (topic.clone(), published.clone());
        publishers.push(tokio::task::spawn_blocking(move || {
            for _ in 0..2000 {
                let event = published.fetch_add(1, Ordering::SeqCst) as u64;
                topic.publish(event).unwrap();
            }
        }));
    }
    let mut takers = Vec::new();
    for count in 0..50_usize {
        let taken = topic.subscribe::<rpc_core::types::Untyped>();
        takers.push(tokio::spawn(async move {
            let mut taken = Box::pin(taken.take(if count % 2 == 0 { count } else { usize::MAX }));
            let mut events = Vec::new();
            while let Some(event) = taken.next().await {
                events.push(event.unwrap());
            }
            events
        }));
        tokio::task::yield_now().await;
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    topic.close();
    let mut whole = Vec::new();
    for (count, taken) in takers.into_iter().enumerate() {
        let events = taken.await.unwrap();
        match count % 2 {
            0 => assert!(events.len() <= count),
            _ => whole.push(events),
        }
    }
    // All takers see the same order, from where they came in.
    let longest = whole.iter().max_by_key(|events| events.len()).unwrap().clone();
    for events in whole {
        assert!(longest.ends_with(&events));
    }
}
