//! Values that many watch: each watcher ends with the publisher's value, however late, slow or throttled it is.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::types::Untyped;
use rpc_core::{
    Change, Context, Limits, Live, Peer, Router, RpcError, StreamError, Streaming, View, memory,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use support::Raw;
use support::ends::ends;
use support::seeds::Random;
use tokio::time::{Instant, sleep};

type Rows = BTreeMap<String, Vec<u64>>;

fn rows(count: u64) -> Rows {
    (0..count).map(|row| (row.to_string(), vec![row, 0])).collect()
}

fn offers<T: Serialize + Send + 'static>(live: &Live<T>) -> Router {
    let live = live.clone();
    Router::new().subscription("state", "stop", move |_: Context, (): ()| {
        let changes = live.subscribe();
        async move { Ok(changes) }
    })
}

async fn subscribe<T>(peer: &Peer) -> Streaming<Change<T>> {
    peer.subscribe("state", "stop", ()).await.unwrap()
}

/// A watching end, and what it watches.
async fn watched<T: Serialize + Send + 'static>(live: &Live<T>) -> (Streaming<Change<T>>, Peer) {
    let (peer, _) = ends((Router::new(), Limits::client()), (offers(live), Limits::server()));
    (subscribe(&peer).await, peer)
}

/// Changes something in a value.
fn change(value: &mut Value, random: &mut Random) {
    match value {
        Value::Array(elements) if !elements.is_empty() && !random.once_in(4) => {
            let at = usize::try_from(random.below(elements.len() as u64)).unwrap();
            match random.below(8) {
                0 => drop(elements.remove(at)),
                1 => elements.insert(at, made(random)),
                2 => {
                    elements.remove(0);
                    elements.push(made(random));
                }
                _ => change(&mut elements[at], random),
            }
        }
        Value::Object(members) if !members.is_empty() && !random.once_in(4) => {
            let at = usize::try_from(random.below(members.len() as u64)).unwrap();
            let name = members.keys().nth(at).unwrap().clone();
            match random.below(8) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert(format!("n/{}", random.below(9)), made(random))),
                _ => change(members.get_mut(&name).unwrap(), random),
            }
        }
        value => *value = made(random),
    }
}

fn made(random: &mut Random) -> Value {
    let some = |random: &mut Random| -> Vec<Value> {
        let count = random.below(5);
        (0..count).map(|_| made(random)).collect()
    };
    match random.below(7) {
        0 => Value::Null,
        1 => some(random).into(),
        2 => some(random).into_iter().enumerate().map(|(n, it)| (format!("~{n}"), it)).collect(),
        3 => "text".into(),
        _ => random.below(1000).into(),
    }
}

/// Random changes at random times. Some watchers are slow, some throttled, some late. Each value that a watcher sees
/// was a value of the publisher, no older one comes after a newer one, and the last one is the publisher's.
#[tokio::test(start_paused = true)]
async fn every_watcher_ends_with_the_value_of_the_publisher() {
    for seed in 0..support::seeds::RUNS {
        let mut random = Random::new(seed);
        let start = json!({"rows": [1, 2, 3], "by": {"a": 1, "b": {"c": []}}});
        let live = Live::new(start.clone());
        let (mut history, mut watchers) = (vec![start], Vec::new());
        for _ in 0..40 {
            if watchers.len() < 6 && random.once_in(4) {
                let mut random = random.clone();
                let (changes, peer) = watched(&live).await;
                let changes = match random.below(3) {
                    0 => changes.watch(),
                    1 => changes.watch().throttle(Duration::from_millis(random.below(50))),
                    _ => changes.throttle(Duration::from_millis(random.below(50))).watch(),
                };
                watchers.push(tokio::spawn(async move {
                    let (mut changes, mut seen) = (changes, Vec::new());
                    while let Some(value) = changes.next().await {
                        seen.push(value.unwrap());
                        sleep(Duration::from_millis(random.below(30))).await;
                    }
                    drop(peer);
                    seen
                }));
            }
            for _ in 0..random.below(4) {
                live.update(|value| change(value, &mut random));
                history.push(live.read(Value::clone));
            }
            sleep(Duration::from_millis(random.below(20))).await;
        }
        live.close();
        for watcher in watchers {
            let seen = watcher.await.unwrap();
            assert_eq!(seen.last(), history.last(), "seed {seed}");
            let mut rest = history.iter();
            for value in &seen {
                assert!(
                    rest.any(|of| of == value),
                    "seed {seed}: {value} came too late, or never was"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_gets_the_value_and_then_what_has_changed() {
    let live = Live::new(rows(100));
    let (mut raw, _peer) = Raw::connect(offers(&live), Limits::server());
    raw.greet().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"state"}"#).await;
    let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
    let id = answer["result"].as_str().unwrap();
    let first: Value = serde_json::from_str(&raw.receive().await).unwrap();
    assert_eq!(first["params"]["result"], json!({"value": rows(100)}));
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":5000,"seq":1}}"#)).await;

    live.update(|rows| rows.get_mut("7").unwrap()[1] = 5);
    let second: Value = serde_json::from_str(&raw.receive().await).unwrap();
    let patch = json!({"patch": [{"op": "replace", "path": "/7/1", "value": 5}]});
    assert_eq!(second["params"]["result"], patch);
    assert_eq!(second["params"]["seq"], 2);
    live.update(|_| ());
    assert!(raw.is_silent().await, "nothing has changed");
}

#[tokio::test(start_paused = true)]
async fn a_value_is_serialised_once_for_all() {
    #[derive(Deserialize, Default)]
    struct Counted(usize);
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            WRITTEN.fetch_add(1, Ordering::SeqCst);
            serializer.serialize_newtype_struct("Counted", &self.0)
        }
    }
    let live = Live::<Counted>::default();
    let (peer, _served) = memory::pair(Router::new(), offers(&live));
    let mut watches = Vec::new();
    for _ in 0..10 {
        watches.push(subscribe::<Counted>(&peer).await.watch());
    }
    for round in 0..3 {
        for watch in &mut watches {
            assert_eq!(watch.next().await.unwrap().unwrap().0, round);
        }
        live.update(|value| value.0 += 1);
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(WRITTEN.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn a_slow_watcher_skips_to_the_newest_value() {
    let live = Live::new(0_u64);
    let (changes, _peer) = watched(&live).await;
    let mut watch = changes.watch();
    let (mut seen, mut before) = (Vec::new(), 0);
    for value in 1..=1000 {
        live.set(value);
        sleep(Duration::from_millis(1)).await;
        if value % 100 == 0 {
            let newest = watch.next().await.unwrap().unwrap();
            assert!(
                newest >= before,
                "{newest} is older than what was there at the last look, {before}"
            );
            before = value;
            seen.push(newest);
        }
    }
    live.close();
    seen.extend(watch.map(Result::unwrap).collect::<Vec<_>>().await);
    assert!(seen.len() <= 12 && seen.ends_with(&[1000]), "{seen:?}");
}

/// The publisher sends no more than the watcher wants, and the last value comes.
#[tokio::test(start_paused = true)]
async fn a_throttled_watcher_gets_at_most_one_value_in_a_time() {
    for publisher in [true, false] {
        let live = Live::new(0_u64);
        let services = if publisher {
            let live = live.clone();
            Router::new().subscription("state", "stop", move |_: Context, (): ()| {
                let changes: Streaming<_> = live.subscribe();
                async move { Ok(changes.throttle(Duration::from_millis(100))) }
            })
        } else {
            offers(&live)
        };
        let (peer, served) = ends((Router::new(), Limits::client()), (services, Limits::server()));
        let mut changes = subscribe::<u64>(&peer).await;
        if !publisher {
            changes = changes.throttle(Duration::from_millis(100));
            sleep(Duration::from_millis(1)).await;
        }
        let sent = tokio::spawn(async move {
            for value in 1..=500 {
                live.set(value);
                sleep(Duration::from_millis(1)).await;
            }
            live.close();
        });
        let (mut times, mut last) = (Vec::new(), 0);
        while let Some(change) = changes.next().await {
            let Change::Value(value) = change.unwrap() else { panic!("a number has no parts") };
            times.push(Instant::now());
            last = value;
        }
        sent.await.unwrap();
        assert_eq!(last, 500);
        assert!((5..=7).contains(&times.len()), "{} values in half a second", times.len());
        // The last value does not wait.
        times.pop();
        let gaps = times.windows(2).skip(usize::from(!publisher)).map(|pair| pair[1] - pair[0]);
        assert!(
            gaps.clone().all(|gap| gap >= Duration::from_millis(99)),
            "{:?}",
            gaps.collect::<Vec<_>>()
        );
        drop((peer, served));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_value_does_not_wait() {
    let live = Live::new(0);
    let hour = Duration::from_secs(3600);
    let (changes, _peer) = watched(&live).await;
    let mut watch = changes.watch().throttle(hour);
    sleep(Duration::from_millis(1)).await;
    let mut here = live.subscribe::<Untyped>().throttle(hour).watch();
    assert_eq!((watch.next().await, here.next().await), (Some(Ok(0)), Some(Ok(0))));
    let begun = Instant::now();
    live.set(1);
    sleep(Duration::from_millis(1)).await;
    live.set(2);
    live.close();
    assert_eq!((watch.next().await, here.next().await), (Some(Ok(2)), Some(Ok(2))));
    assert_eq!((watch.next().await, here.next().await), (None, None));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

/// An end that hands the stream on has subscribed anew: the numbers of the items tell of a gap, and a whole value comes.
#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_behind_a_gap_with_a_whole_value_alone() {
    for (last, error) in [
        (r#""seq":5,"result":{"patch":[{"op":"replace","path":"","value":5}]}"#, Some(1)),
        (r#""seq":5,"done":true"#, Some(1)),
        (r#""seq":4,"done":true"#, None),
    ] {
        let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
        raw.greet().await;
        let subscribed = tokio::spawn(async move { subscribe::<u64>(&peer).await });
        let id = support::id_of(&raw.receive().await);
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"s"}}"#)).await;
        let mut watch = subscribed.await.unwrap().watch();
        for (seq, value) in [(1, 1), (3, 3)] {
            let item =
                format!(r#"{{"subscription":"s","seq":{seq},"result":{{"value":{value}}}}}"#);
            raw.notify("state", &item).await;
            assert_eq!(watch.next().await, Some(Ok(value)));
        }
        raw.notify("state", &format!(r#"{{"subscription":"s",{last}}}"#)).await;
        let end = watch.next().await;
        assert_eq!(end, error.map(|missed| Err(StreamError::Gap { missed })), "{last}");
        assert_eq!(watch.next().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_does_not_throttle_is_waited_for() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    raw.greet().await;
    let subscribed = tokio::spawn(async move { subscribe::<u64>(&peer).await });
    let call = raw.receive().await;
    let id = support::id_of(&call);
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"s"}}"#)).await;
    let mut watch = subscribed.await.unwrap().watch().throttle(Duration::from_millis(100));
    let throttle =
        r#"{"jsonrpc":"2.0","method":"$/throttle","params":{"subscription":"s","intervalMs":100}}"#;
    support::assert_same(&raw.receive().await, throttle);
    let begun = Instant::now();
    let mut seen = Vec::new();
    for value in 1..=50 {
        raw.notify(
            "state",
            &format!(r#"{{"subscription":"s","seq":{value},"result":{{"value":{value}}}}}"#),
        )
        .await;
        let next = tokio::time::timeout(Duration::from_millis(10), watch.next()).await;
        seen.extend(next.ok().flatten());
    }
    let most = begun.elapsed().as_millis() / 100 + 1;
    assert!(seen.len() as u128 <= most && seen.len() >= 4, "{seen:?}");
    assert_eq!(watch.next().await, Some(Ok(50)), "the last value always comes");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_throttle_is_counted() {
    let (mut raw, peer) = Raw::connect(offers(&Live::new(0)), Limits::server());
    raw.greet().await;
    for params in [
        r#"{"subscription":"unknown","intervalMs":100}"#,
        r#"{"subscription":"s"}"#,
        r#"{"subscription":"s","intervalMs":-1}"#,
        r#"{"subscription":{},"intervalMs":1}"#,
        r#"{"intervalMs":1}"#,
        "[]",
    ] {
        raw.notify("$/throttle", params).await;
    }
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().counters.malformed, 5, "all but the first");
}

#[tokio::test(start_paused = true)]
async fn a_view_decides_for_each_watcher() {
    let live = Live::new(rows(3));
    let shown = Arc::new(AtomicUsize::new(0));
    let shows = shown.clone();
    let services = {
        let live = live.clone();
        Router::new().subscription("state", "stop", move |_: Context, (): ()| {
            let shows = shows.clone();
            let changes: Streaming<_> =
                live.subscribe_as(move |rows: &Rows| match shows.load(Ordering::SeqCst) {
                    0 => View::Part(
                        rows.iter().take(1).map(|(key, row)| (key.clone(), row.clone())).collect(),
                    ),
                    1 => View::All,
                    _ => View::Hidden,
                });
            async move { Ok(changes) }
        })
    };
    let (peer, _served) = memory::pair(Router::new(), services);
    let mut watch = subscribe::<Rows>(&peer).await.watch();
    assert_eq!(watch.next().await.unwrap().unwrap().len(), 1);
    let set = |row: &str, value| live.update(|rows| drop(rows.insert(row.to_owned(), vec![value])));
    set("2", 7);
    sleep(Duration::from_secs(1)).await;
    set("0", 8);
    assert_eq!(
        watch.next().await,
        Some(Ok(Rows::from([("0".into(), vec![8])]))),
        "no change was seen between"
    );
    shown.store(1, Ordering::SeqCst);
    set("1", 9);
    let all = Rows::from([("0".into(), vec![8]), ("1".into(), vec![9]), ("2".into(), vec![7])]);
    assert_eq!(watch.next().await, Some(Ok(all)));
    shown.store(2, Ordering::SeqCst);
    set("1", 10);
    assert!(tokio::time::timeout(Duration::from_secs(1), watch.next()).await.is_err(), "hidden");
    shown.store(0, Ordering::SeqCst);
    set("1", 11);
    assert_eq!(watch.next().await, Some(Ok(Rows::from([("0".into(), vec![8])]))));
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_goes_ends_the_watch_after_the_last_value() {
    #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
    #[error("the job was stopped")]
    #[rpc(code = 7)]
    struct Stopped;

    let live = Live::new(1);
    let (changes, _peer) = watched(&live).await;
    let mut watch = changes.typed::<Stopped>().watch();
    assert_eq!(watch.next().await, Some(Ok(1)));
    live.set(2);
    live.fail(Stopped);
    live.set(3);
    assert_eq!(watch.next().await, Some(Ok(3)), "the latest value");
    assert_eq!(watch.next().await, Some(Err(StreamError::Method(Stopped))));
    assert_eq!(watch.next().await, None);

    let live = Live::new(1);
    let mut here = live.subscribe::<Untyped>().watch();
    live.set(2);
    drop(live);
    assert_eq!((here.next().await, here.next().await), (Some(Ok(2)), None));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_goes_is_forgotten() {
    let live = Live::new(0);
    let (changes, _peer) = watched(&live).await;
    let (mut other, _peer) = watched(&live).await;
    assert_eq!(live.watchers(), 2);
    drop(changes);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(live.watchers(), 1);
    live.set(1);
    assert!(matches!(other.next().await, Some(Ok(Change::Value(0)))));
    assert!(matches!(other.next().await, Some(Ok(Change::Value(1)))));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_panics_is_a_change() {
    let live = Live::new(vec![0]);
    let (changes, _peer) = watched(&live).await;
    let mut watch = changes.watch();
    assert_eq!(watch.next().await, Some(Ok(vec![0])));
    let panicking = live.clone();
    let panicked = tokio::task::spawn_blocking(move || {
        panicking.update(|value| {
            value.push(1);
            panic!("half way");
        })
    });
    assert!(panicked.await.is_err());
    assert_eq!(watch.next().await, Some(Ok(vec![0, 1])));
    live.update(|value| value.push(2));
    assert_eq!(watch.next().await, Some(Ok(vec![0, 1, 2])));
}

/// A watch of items that a foreign publisher sends.
async fn watch_of(items: &[&str]) -> Vec<Result<Value, StreamError>> {
    let items: Vec<Change<Value>> =
        items.iter().map(|item| serde_json::from_str(item).unwrap()).collect();
    let services = Router::new().subscription("state", "stop", move |_: Context, (): ()| {
        let items = stream::iter(items.clone()).then(|item| async {
            sleep(Duration::from_millis(1)).await;
            item
        });
        async move { Ok(Streaming::new(items)) }
    });
    let (peer, _served) = memory::pair(Router::new(), services);
    subscribe(&peer).await.watch().max_bytes(4096).collect().await
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_does_not_fit_ends_the_watch() {
    let value = r#"{"value":{"a":1}}"#;
    let all = watch_of(&[value, r#"{"patch":[{"op":"move","from":"/a","path":"/b"}]}"#]).await;
    assert_eq!(all, [Ok(json!({"a": 1})), Ok(json!({"b": 1}))]);
    let wrong = r#"{"patch":[{"op":"remove","path":"/x"}]}"#;
    let all = watch_of(&[value, wrong, value]).await;
    let [Ok(_), Err(StreamError::Decode(why))] = &all[..] else { panic!("{all:?}") };
    assert_eq!(why.message(), "the operation at `/x` of a patch: nothing is there");
    let all = watch_of(&[wrong]).await;
    assert!(matches!(&all[..], [Err(StreamError::Decode(_))]), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn a_value_does_not_grow_without_bounds_at_a_watcher() {
    let double = r#"{"patch":[{"op":"copy","from":"","path":"/-"}]}"#;
    let all = watch_of(&[&[r#"{"value":[1,2,3]}"#][..], &[double; 100][..]].concat()).await;
    let Some(Err(StreamError::Decode(why))) = all.last() else { panic!("{all:?}") };
    assert_eq!(
        why.message(),
        "the operation at `/-` of a patch: the value counts for more than 4096 bytes"
    );
    assert!(all.len() < 15);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_decode_is_told_and_the_watch_goes_on() {
    let (peer, _served) = memory::pair(Router::new(), offers(&Live::new(json!({"n": "x"}))));
    let mut watch = subscribe::<BTreeMap<String, u64>>(&peer).await.watch();
    assert!(matches!(watch.next().await, Some(Err(StreamError::Decode(_)))));
}
