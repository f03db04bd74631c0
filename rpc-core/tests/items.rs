//! What an item of a stream is: what is there counts and not what it is worth, and only what both ends
//! have agreed on is read beside it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt, stream};
use rpc_core::{Context, Limits, Peer, Router, StreamError, Streaming, memory, service};
use serde_json::Value;
use support::Raw;

/// What JSON has no other word for than `null`.
#[service]
trait Nothings {
    async fn options(&self) -> Streaming<Option<u32>>;
    async fn units(&self, count: usize) -> Streaming<()>;
    async fn values(&self) -> Streaming<Value>;
    async fn floats(&self) -> Streaming<f64>;
    /// Gives back what it is given.
    async fn echo(&self, items: Streaming<Option<u32>>) -> Streaming<Option<u32>>;
    /// How many items come, and how many of them are something.
    async fn count(&self, items: Streaming<Option<u32>>) -> (u32, u32);
}

struct Nothing;

const OPTIONS: [Option<u32>; 4] = [Some(1), None, Some(3), None];

impl Nothings for Nothing {
    async fn options(&self) -> Streaming<Option<u32>> {
        Streaming::new(stream::iter(OPTIONS))
    }

    async fn units(&self, count: usize) -> Streaming<()> {
        Streaming::new(stream::iter(vec![(); count]))
    }

    async fn values(&self) -> Streaming<Value> {
        Streaming::new(stream::iter([Value::Null, 1.into(), Value::Null]))
    }

    async fn floats(&self) -> Streaming<f64> {
        Streaming::new(stream::iter([1.5, f64::NAN, f64::INFINITY]))
    }

    async fn echo(&self, items: Streaming<Option<u32>>) -> Streaming<Option<u32>> {
        items
    }

    async fn count(&self, items: Streaming<Option<u32>>) -> (u32, u32) {
        items
            .fold((0, 0), async |(all, some), item| {
                (all + 1, some + u32::from(item.unwrap().is_some()))
            })
            .await
    }
}

async fn all<T>(items: Streaming<T>) -> Vec<Result<T, StreamError>>
where
    Streaming<T>: Stream<Item = Result<T, StreamError>>,
{
    items.collect().await
}

#[tokio::test(start_paused = true)]
async fn items_that_are_null_are_items_whoever_offers_them() {
    let (peer, other) = memory::pair(NothingsServer::new(Nothing), NothingsServer::new(Nothing));
    for peer in [peer, other] {
        let nothings = NothingsClient::new(peer.clone());
        assert_eq!(all(nothings.options().await.unwrap()).await, OPTIONS.map(Ok));
        assert_eq!(all(nothings.units(1000).await.unwrap()).await, vec![Ok(()); 1000]);
        let values = all(nothings.values().await.unwrap()).await;
        assert_eq!(values, [Ok(Value::Null), Ok(1.into()), Ok(Value::Null)]);
        let floats = all(nothings.floats().await.unwrap()).await;
        assert_eq!((floats.len(), &floats[0]), (3, &Ok(1.5)), "JSON has no word for the others");
        assert!(matches!(floats[1], Err(StreamError::Decode(_))));
        let options = || Streaming::new(stream::iter(OPTIONS));
        assert_eq!(nothings.count(options()).await, Ok((4, 2)));
        assert_eq!(all(nothings.echo(options()).await.unwrap()).await, OPTIONS.map(Ok));
        assert_eq!(peer.stats().counters, rpc_core::types::Counters::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_peer_is_sent_them_too() {
    let router = Router::new().service(NothingsServer::new(Nothing));
    let (mut raw, _peer) = Raw::connect(router, Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"options"}"#).await;
    let id: Value = serde_json::from_str(&raw.receive().await).unwrap();
    for item in ["1", "null", "3", "null"] {
        let params = format!(r#"{{"subscription":{},"result":{item}}}"#, id["result"]);
        let expected = format!(r#"{{"jsonrpc":"2.0","method":"options","params":{params}}}"#);
        support::assert_same(&raw.receive().await, &expected);
    }
}

/// A subscription to a raw end, which has said hello or not, whose answer has not come.
async fn subscribing(greets: bool) -> (Raw, Peer, rpc_core::Call<Streaming<Option<u32>>>) {
    let router = Router::new().subscription("ticks", "stop", |_: Context, (): ()| async {
        Ok(Streaming::new(stream::empty::<u8>()))
    });
    let (mut raw, peer) = Raw::connect(router, Limits::client());
    if greets {
        raw.greet().await;
    }
    let call = peer.subscribe("ticks", "stop", ()).start();
    raw.receive().await;
    (raw, peer, call)
}

fn item(id: &str, members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"ticks","params":{{"subscription":{id},{members}}}}}"#)
}

async fn subscribed(greets: bool) -> (Raw, Peer, Streaming<Option<u32>>) {
    let (mut raw, peer, call) = subscribing(greets).await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":77}"#).await;
    (raw, peer, call.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_plain_peers_own_members_mean_nothing() {
    let (mut raw, peer, mut items) = subscribed(false).await;
    for members in [
        r#""result":1,"seq":100"#,
        r#""result":2,"seq":100"#,
        r#""result":3,"seq":"a""#,
        r#""result":4,"seq":7.0,"seq":null"#,
        r#""result":5,"done":null"#,
        r#""result":6,"done":0"#,
        r#""result":7,"done":true,"ack":true"#,
        r#""result":null,"error":null"#,
        r#""error":null,"result":8"#,
        r#""result":null,"error":{"code":1,"message":"lost"},"seq":1"#,
    ] {
        raw.send(&item("77", members)).await;
    }
    for number in [Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), Some(7), None, Some(8)] {
        assert_eq!(items.next().await, Some(Ok(number)));
    }
    let lost = rpc_core::ErrorObject::new(1, "lost");
    assert_eq!(items.next().await, Some(Err(StreamError::Remote(lost))));
    assert_eq!(items.next().await, None);
    assert_eq!(peer.stats().counters, rpc_core::types::Counters::default());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_number_is_malformed_where_numbers_were_agreed_on() {
    let (mut raw, peer, mut items) = subscribed(true).await;
    for members in [
        r#""result":1,"seq":"a""#,
        r#""result":1,"seq":1.0"#,
        r#""result":1,"seq":0"#,
        r#""result":1,"seq":null"#,
        r#""result":1,"done":null"#,
        r#""result":1,"done":true"#,
        r#""error":null,"seq":1"#,
    ] {
        raw.send(&item("77", members)).await;
    }
    raw.send(&item("77", r#""result":null,"seq":1"#)).await;
    raw.send(&item("77", r#""result":2"#)).await;
    raw.send(&item("77", r#""seq":4,"done":true"#)).await;
    assert_eq!(items.next().await, Some(Ok(None)));
    assert_eq!(items.next().await, Some(Ok(Some(2))), "one without a number is taken");
    let gap = Some(Err(StreamError::Gap { missed: 2 }));
    assert_eq!(items.next().await, gap, "a loss right before the end shows");
    assert_eq!(items.next().await, None);
    assert_eq!(peer.stats().counters.malformed, 7);
}

/// What it would be read as was not measured.
#[tokio::test(start_paused = true)]
async fn an_item_that_would_be_read_as_another_cannot_be_read() {
    let disguised = r#"[{"$serde_json::private::RawValue":"[1]"}]"#;
    for greets in [false, true] {
        let limits = Limits::client();
        let (mut raw, peer) = Raw::connect(Router::new(), limits.clone());
        if greets {
            raw.greet().await;
        }
        let call = peer.subscribe::<Value>("ticks", "stop", ()).start();
        raw.receive().await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":77}"#).await;
        let mut items = call.await.unwrap();
        // More than there is room for at once: each is given credit for like any other.
        for _ in 0..2 * limits.stream_window / 64 {
            raw.send(&item("77", &format!(r#""result":{disguised}"#))).await;
            let Some(Err(StreamError::Decode(why))) = items.next().await else { panic!() };
            assert!(why.message().contains("reserved"), "{why}");
        }
        raw.send(&item("77", r#""result":1"#)).await;
        assert_eq!(items.next().await, Some(Ok(1.into())), "the stream goes on");
        let error = format!(r#""error":{{"code":1,"message":"m","data":{disguised}}}"#);
        raw.send(&item("77", &error)).await;
        assert!(matches!(items.next().await, Some(Err(StreamError::Decode(_)))));
        assert_eq!(items.next().await, None, "it was the end");
    }
}

/// Whichever member of the message nests too deep.
#[tokio::test(start_paused = true)]
async fn an_item_that_nests_too_deep_cannot_be_read() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for greets in [false, true] {
        let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
        if greets {
            raw.greet().await;
        }
        let call = peer.subscribe::<Value>("ticks", "stop", ()).start();
        raw.receive().await;
        let deep_envelope = |more: usize| {
            let text = item("77", r#""result":1"#);
            format!(r#"{},"more":{}}}"#, text.strip_suffix('}').unwrap(), nested(more))
        };
        raw.send(&item("77", &format!(r#""result":{}"#, nested(64)))).await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":77}"#).await;
        let mut items = call.await.unwrap();
        assert_eq!(items.next().await, Some(Err(StreamError::Gap { missed: 1 })), "an early one");
        // `params` hold the item, and are one deeper.
        raw.send(&item("77", &format!(r#""result":{}"#, nested(63)))).await;
        assert!(matches!(items.next().await, Some(Ok(_))));
        raw.send(&deep_envelope(64)).await;
        assert_eq!(items.next().await, Some(Ok(1.into())));
        for text in [item("77", &format!(r#""result":{}"#, nested(64))), deep_envelope(65)] {
            raw.send(&text).await;
            let Some(Err(StreamError::Decode(why))) = items.next().await else { panic!("{text}") };
            assert!(why.message().contains("`depth`"), "{why}");
        }
        raw.send(&item("77", r#""result":2"#)).await;
        assert_eq!(items.next().await, Some(Ok(2.into())), "the stream goes on");
        let error = format!(r#""error":{{"code":1,"message":"m","data":{}}}"#, nested(63));
        raw.send(&item("77", &error)).await;
        assert!(matches!(items.next().await, Some(Err(StreamError::Decode(_)))));
        assert_eq!(items.next().await, None, "it was the end");
    }
}

#[tokio::test(start_paused = true)]
async fn items_that_come_before_the_answer_wait_for_it() {
    for greets in [false, true] {
        let (mut raw, peer, call) = subscribing(greets).await;
        let other = peer.subscribe::<u8>("others", "stop", ()).start();
        raw.receive().await;
        raw.send(&item("77", r#""result":1"#)).await;
        raw.send(&item("\"b\"", r#""result":5"#)).await;
        raw.send(&item("77", r#""result":null"#)).await;
        raw.send(&item("\"nobody's\"", r#""result":6"#)).await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":77}"#).await;
        let mut items = call.await.unwrap();
        raw.send(&item("77", r#""result":3"#)).await;
        raw.send(&item("\"b\"", r#""error":{"code":1,"message":"over"}"#)).await;
        raw.send(&item("\"b\"", r#""result":9"#)).await;
        for expected in [Some(1), None, Some(3)] {
            assert_eq!(items.next().await, Some(Ok(expected)));
        }
        raw.send(r#"{"jsonrpc":"2.0","id":2,"result":"b"}"#).await;
        let other: Vec<_> = other.await.unwrap().collect().await;
        let over = StreamError::Remote(rpc_core::ErrorObject::new(1, "over"));
        assert_eq!(other, [Ok(5), Err(over)], "nothing comes behind an end");
        assert_eq!(peer.stats().counters, rpc_core::types::Counters::default());
    }
}

/// As many as a window holds, and no stream waits for an end that was not kept.
#[tokio::test(start_paused = true)]
async fn items_that_come_early_are_bounded_and_their_loss_is_told() {
    for (greets, end) in [
        (false, r#""error":{"code":1,"message":"over"}"#),
        (true, r#""error":{"code":1,"message":"over"}"#),
        (true, r#""done":true"#),
    ] {
        let (mut raw, _peer, call) = subscribing(greets).await;
        let text = format!(r#""result":1,"filler":"{}""#, "x".repeat(1000));
        for _ in 0..100 {
            raw.send(&item("77", &text)).await;
        }
        raw.send(&item("77", end)).await;
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":77}"#).await;
        let items: Vec<_> = call.await.unwrap().collect().await;
        let kept = items.iter().take_while(|item| **item == Ok(Some(1))).count();
        assert!((60..=65).contains(&kept), "{kept} of a kilobyte each");
        assert_eq!(items[kept], Err(StreamError::Gap { missed: 100 - kept as u64 }));
        assert!(matches!(&items[kept + 1..], [Err(StreamError::Remote(_))]), "{items:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_early_for_nobody_is_forgotten() {
    let (mut raw, peer, call) = subscribing(false).await;
    raw.send(&item("77", r#""result":1"#)).await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}"#).await;
    assert!(call.await.is_err());
    // With another stream open, the params of all that comes are looked at.
    let mut open = Vec::new();
    for (id, stream) in [(2, 76), (3, 77), (4, 78)] {
        raw.send(&item("78", r#""result":1"#)).await;
        assert!(raw.is_silent().await);
        let call = peer.subscribe::<u8>("ticks", "stop", ()).start();
        raw.receive().await;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{stream}}}"#)).await;
        let mut items = call.await.unwrap();
        assert!(raw.is_silent().await);
        assert_eq!(items.next().now_or_never(), None, "{stream} came while none was awaited");
        open.push(items);
    }
}

/// It may be one whose params only look like an item.
#[tokio::test(start_paused = true)]
async fn what_is_offered_is_served_though_it_looks_like_an_early_item() {
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = ran.clone();
    let router = Router::new().notification("note", move |_: Context, _: Value| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    let (mut raw, peer) = Raw::connect(router, Limits::client());
    let _call = peer.subscribe::<u8>("ticks", "stop", ()).start();
    raw.receive().await;
    let note = r#"{"jsonrpc":"2.0","method":"note","params":{"subscription":1,"result":2}}"#;
    raw.send(note).await;
    assert!(raw.is_silent().await);
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

/// Of more streams than one end can be about to begin, items are lost; and one whose id is longer than an id
/// may be will not begin.
#[tokio::test(start_paused = true)]
async fn early_items_of_many_streams_are_counted_as_lost() {
    let (mut raw, peer, _call) = subscribing(false).await;
    let long = format!("\"{}\"", "x".repeat(200));
    raw.send(&item(&long, r#""result":1"#)).await;
    for id in 0..66 {
        raw.send(&item(&id.to_string(), r#""result":1"#)).await;
    }
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().counters.dropped, 2, "of 64 they are kept");
}

/// They have crossed the end of their stream.
#[tokio::test(start_paused = true)]
async fn late_items_of_a_method_that_is_offered_as_well_are_not_run() {
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = ran.clone();
    let router = Router::new().subscription("ticks", "stop", move |_: Context, _: Value| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(Streaming::new(stream::empty::<u8>())) }
    });
    let (mut raw, peer) = Raw::connect(router, Limits::client());
    for members in [
        r#""result":null"#,
        r#""result":1,"seq":"a""#,
        r#""result":1,"done":0"#,
        r#""done":true,"seq":9"#,
        r#""error":{"code":1,"message":"m"}"#,
        r#""r\u0065sult":1"#,
    ] {
        raw.send(&item("77", members)).await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_eq!(peer.stats().counters, rpc_core::types::Counters::default());
}
