//! How real nodes speak of subscriptions: ids that are numbers, under names of their own, and one method
//! for several kinds of items.

mod support;

use std::collections::HashSet;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_core::schema::{MethodKind, SubscriptionIds, SubscriptionInfo};
use rpc_core::types::RawParams;
use rpc_core::{
    CallError, Context, Limits, Router, Service, StreamError, Streaming, memory, service,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::Raw;

/// As Solana's nodes do.
#[service(rename_all = "camelCase")]
trait Solana {
    #[subscription(
        name = "slotSubscribe",
        item = "slotNotification",
        unsubscribe = "slotUnsubscribe",
        id = "number"
    )]
    fn slots(&self, from: u64) -> Streaming<u64>;
}

/// As Starknet's nodes do.
#[service(namespace = "starknet", separator = "_")]
trait Starknet {
    #[subscription(
        name = "subscribeNewHeads",
        item = "starknet_subscriptionNewHeads",
        unsubscribe = "starknet_unsubscribe",
        id_member = "subscription_id"
    )]
    fn heads(&self) -> Streaming<u64>;
}

struct Node;

/// What goes on for ever.
fn endless(from: u64) -> Streaming<u64> {
    Streaming::new(stream::iter([from, from + 1]).chain(stream::pending()))
}

impl Solana for Node {
    fn slots(&self, from: u64) -> Streaming<u64> {
        endless(from)
    }
}

impl Starknet for Node {
    fn heads(&self) -> Streaming<u64> {
        endless(1)
    }
}

/// What comes next of a stream; panics if that is nothing for a minute.
async fn next<T: DeserializeOwned + Send + 'static>(
    stream: &mut Streaming<T>,
) -> Option<Result<T, StreamError>> {
    tokio::time::timeout(Duration::from_secs(60), stream.next()).await.expect("something comes")
}

fn node() -> Router {
    let by_hand = SubscriptionInfo::ended_by("stop").item("item").number_ids().id_member("sid");
    Router::new().service(SolanaServer::new(Node)).service(StarknetServer::new(Node)).subscription(
        "by_hand",
        by_hand,
        |_: Context, (): ()| async { Ok(endless(1)) },
    )
}

/// Calls a method of the node, and what it answers.
async fn call(raw: &mut Raw, method: &str, params: &str) -> Value {
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)).await;
    let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
    answer.get("result").unwrap_or(&answer["error"]).clone()
}

/// The name and the params of the notification that comes next.
async fn item(raw: &mut Raw) -> (String, Value) {
    let item: Value = serde_json::from_str(&raw.receive().await).unwrap();
    (item["method"].as_str().unwrap().to_owned(), item["params"].clone())
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_numbers_are_numbers_wherever_they_stand() {
    let (mut raw, _peer) = Raw::connect(node(), Limits::server());
    for form in ["[ID]", r#"{"subscription":ID}"#, r#"{"id":ID}"#, "[ID.0]"] {
        let id = call(&mut raw, "slotSubscribe", "[7]").await;
        for slot in [7, 8] {
            let params = json!({"subscription": id, "result": slot});
            assert_eq!(item(&mut raw).await, ("slotNotification".to_owned(), params));
        }
        let number = id.as_u64().unwrap();
        assert!((1..100_000_000_000_000).contains(&number), "{number}");
        let string = call(&mut raw, "slotUnsubscribe", &format!(r#"["{id}"]"#)).await;
        assert_eq!(string, false, "a string is no number");
        for expected in [true, false] {
            let params = form.replace("ID", &id.to_string());
            assert_eq!(call(&mut raw, "slotUnsubscribe", &params).await, expected, "{params}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_stream_has_a_number_of_its_own() {
    let mut limits = Limits::server();
    limits.subscriptions = 200;
    let (mut raw, _peer) = Raw::connect(node(), limits);
    let mut ids = HashSet::new();
    for _ in 0..200 {
        ids.insert(call(&mut raw, "slotSubscribe", "[1]").await.as_u64().unwrap());
        item(&mut raw).await;
        item(&mut raw).await;
    }
    assert_eq!(ids.len(), 200);
    assert!(ids.iter().any(|id| *id > 1 << 32), "they do not count up");
}

#[tokio::test(start_paused = true)]
async fn credit_for_a_number_is_given_and_taken() {
    let (mut raw, _peer) = Raw::connect(node(), Limits::server());
    raw.notify("$/hello", r#"{"duplex":1,"window":64}"#).await;
    raw.receive().await;
    let id = call(&mut raw, "slotSubscribe", "[1]").await;
    assert_eq!(item(&mut raw).await.1, json!({"subscription": id, "seq": 1, "result": 1}));
    assert!(raw.is_silent().await, "the window is full");
    raw.notify("$/credit", &format!(r#"{{"subscription":{id},"bytes":64}}"#)).await;
    assert_eq!(item(&mut raw).await.1, json!({"subscription": id, "seq": 2, "result": 2}));
}

#[tokio::test(start_paused = true)]
async fn a_stub_gives_a_number_back_as_a_number() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let solana = SolanaClient::new(peer);
    let slots = solana.slots(7).no_timeout().start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":24040}"#).await;
    let mut slots = slots.await.unwrap();
    raw.notify("slotNotification", r#"{"subscription":24040,"result":9}"#).await;
    assert_eq!(next(&mut slots).await, Some(Ok(9)));
    drop(slots);
    raw.play(r#"<-- {"jsonrpc":"2.0","id":2,"method":"slotUnsubscribe","params":[24040]}"#).await;
}

#[tokio::test(start_paused = true)]
async fn the_id_goes_by_the_name_that_the_trait_has_for_it() {
    let (mut raw, _peer) = Raw::connect(node(), Limits::server());
    let names = [
        ("starknet_subscribeNewHeads", "starknet_subscriptionNewHeads", "subscription_id"),
        ("by_hand", "item", "sid"),
    ];
    for (method, item_name, member) in names {
        let end = if method == "by_hand" { "stop" } else { "starknet_unsubscribe" };
        for form in ["[ID]", r#"{"MEMBER":ID}"#, r#"{"subscription":ID}"#] {
            let id = call(&mut raw, method, "[]").await;
            assert_eq!(id.is_u64(), method == "by_hand");
            for number in [1, 2] {
                let params = json!({member: id, "result": number});
                assert_eq!(item(&mut raw).await, (item_name.to_owned(), params));
            }
            let params = form.replace("ID", &id.to_string()).replace("MEMBER", member);
            assert_eq!(call(&mut raw, end, &params).await, true, "{params}");
            assert_eq!(call(&mut raw, end, &params).await, false, "{params}");
        }
        for params in [r#"{"other":1}"#, &format!(r#"{{"{member}":1,"more":2}}"#)] {
            assert_eq!(call(&mut raw, end, params).await["code"], -32602, "{params}");
        }
    }
}

/// A stub's call for heads, and the far end that has it.
async fn asking() -> (Raw, rpc_core::Peer, rpc_core::Call<Streaming<u64>>) {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let heads = StarknetClient::new(peer.clone()).heads().no_timeout().start();
    raw.receive().await;
    (raw, peer, heads)
}

const HEADS: &str = "starknet_subscriptionNewHeads";

#[tokio::test(start_paused = true)]
async fn an_id_is_read_from_an_answer_that_is_it_or_holds_it() {
    for answer in ["77", r#"{"subscription_id":77}"#, r#"{"more":[1],"subscription\u005fid":77}"#] {
        let (mut raw, _peer, heads) = asking().await;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{answer}}}"#)).await;
        let mut heads = heads.await.unwrap();
        raw.notify(HEADS, r#"{"result":5,"subscription_id":77}"#).await;
        raw.notify(HEADS, r#"{"subscription\u005fid":77,"subscription":"of a feed","result":6}"#)
            .await;
        assert_eq!((next(&mut heads).await, next(&mut heads).await), (Some(Ok(5)), Some(Ok(6))));
        drop(heads);
        raw.play(r#"<-- {"jsonrpc":"2.0","id":2,"method":"starknet_unsubscribe","params":[77]}"#)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_id_says_where_it_should_be() {
    for answer in [r#"{"subscription":77}"#, r#"{"subscription_id":[77]}"#, "{}"] {
        let (mut raw, _peer, heads) = asking().await;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{answer}}}"#)).await;
        let CallError::Decode(why) = heads.await.unwrap_err() else { panic!("{answer}") };
        assert!(why.message().contains("the member `subscription_id`"), "{why}");
    }
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let usual = peer.subscribe::<u64>("ticks", "stop", ()).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":{"subscription":77}}"#).await;
    let mut usual = usual.await.unwrap();
    raw.notify("ticks", r#"{"subscription":77,"result":5}"#).await;
    assert_eq!(next(&mut usual).await, Some(Ok(5)));
}

#[tokio::test(start_paused = true)]
async fn early_items_are_kept_and_items_of_others_go_where_they_belong() {
    let (mut raw, peer, heads) = asking().await;
    raw.notify(HEADS, r#"{"subscription_id":77,"result":3}"#).await;
    raw.notify(HEADS, r#"{"subscription":1,"subscription_id":77,"result":4}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":77}"#).await;
    let mut heads = heads.await.unwrap();
    assert_eq!((next(&mut heads).await, next(&mut heads).await), (Some(Ok(3)), Some(Ok(4))));

    let usual = peer.subscribe::<u64>("ticks", "stop", ()).no_timeout().start();
    raw.receive().await;
    raw.notify("ticks", r#"{"subscription":1,"result":5}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":1}"#).await;
    let mut usual = usual.await.unwrap();
    // One that may be about to be answered with any id.
    let _more = StarknetClient::new(peer).heads().no_timeout().start();
    raw.receive().await;
    raw.notify("ticks", r#"{"subscription":1,"subscription_id":"of a feed","result":6}"#).await;
    assert_eq!((next(&mut usual).await, next(&mut usual).await), (Some(Ok(5)), Some(Ok(6))));
    raw.notify(HEADS, r#"{"subscription_id":77,"error":{"code":1,"message":"lost"}}"#).await;
    assert!(matches!(next(&mut heads).await, Some(Err(StreamError::Remote(_)))));
    assert_eq!(next(&mut heads).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_a_given_up_call_made_is_ended_by_the_id_in_its_answer() {
    let (mut raw, _peer, heads) = asking().await;
    drop(heads);
    raw.play(
        r#"
<-- {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}
--> {"jsonrpc":"2.0","id":1,"result":{"subscription_id":77}}
<-- {"jsonrpc":"2.0","id":2,"method":"starknet_unsubscribe","params":[77]}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_late_item_of_the_name_of_ones_own_subscription_is_not_run() {
    let (runs, ran) = std::sync::mpsc::channel();
    let info = SubscriptionInfo::ended_by("stop").id_member("sid");
    let heads = move |_: Context, params: Value| {
        runs.send(params).unwrap();
        async { Ok(endless(1)) }
    };
    let services = Router::new().subscription("heads", info, heads);
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.notify("heads", r#"{"sid":77,"result":5}"#).await;
    raw.notify("heads", r#"{"subscription":77,"result":5}"#).await;
    assert!(raw.is_silent().await);
    let runs: Vec<Value> = ran.try_iter().collect();
    assert_eq!(runs, [json!({"subscription": 77, "result": 5})], "which is no item of its kind");
}

#[tokio::test(start_paused = true)]
async fn a_late_item_of_a_dropped_stream_is_nothing_for_the_fallback() {
    let (notes, noted) = std::sync::mpsc::channel();
    let fallback = Router::new().fallback(move |_: Context, method: String, _: RawParams| {
        notes.send(method).unwrap();
        async { Ok(()) }
    });
    let (mut raw, peer) = Raw::connect(fallback, Limits::client());
    let heads = StarknetClient::new(peer).heads().no_timeout().start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":77}"#).await;
    drop(heads.await.unwrap());
    raw.receive().await;
    raw.notify("late", r#"{"subscription_id":77,"result":5}"#).await;
    raw.notify("other", r#"{"subscription_id":78,"result":5}"#).await;
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":true}"#).await;
    raw.notify("strange", r#"{"subscription_id":77,"result":5}"#).await;
    assert!(raw.is_silent().await);
    assert_eq!(noted.try_iter().collect::<Vec<_>>(), ["other", "strange"]);
}

#[tokio::test(start_paused = true)]
async fn our_own_two_ends_agree_on_all_of_it() {
    let (peer, node) = memory::pair(Router::new(), node());
    let mut slots = SolanaClient::new(peer.clone()).slots(7).await.unwrap();
    let mut heads = StarknetClient::new(peer.clone()).heads().await.unwrap();
    let by_hand = peer.subscribe::<u64>("by_hand", "stop", ()).id_member("sid");
    let mut by_hand = by_hand.await.unwrap();
    assert_eq!((next(&mut slots).await, next(&mut slots).await), (Some(Ok(7)), Some(Ok(8))));
    assert_eq!((next(&mut heads).await, next(&mut heads).await), (Some(Ok(1)), Some(Ok(2))));
    assert_eq!((next(&mut by_hand).await, next(&mut by_hand).await), (Some(Ok(1)), Some(Ok(2))));
    assert_eq!(node.stats().subscriptions, 3);
    drop((slots, heads, by_hand));
    peer.call::<bool>("stop", (1,)).await.unwrap(); // behind what ends them
    assert_eq!(node.stats().subscriptions, 0);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_that_of_an_id_is_refused() {
    let never = |_: Context, (): ()| async { Ok(endless(1)) };
    for name in ["", "result", "error", "done", "seq", "ack", "a\"b", "a\\b", "a\nb"] {
        let info = SubscriptionInfo::ended_by("stop").id_member(name);
        let error = Router::new().subscription("x", info, never).check().unwrap_err().to_string();
        assert!(error.contains("cannot be the member that holds an id"), "{error}");
        let (peer, _other) = memory::pair(Router::new(), Router::new());
        let call = peer.subscribe::<u64>("x", "stop", ()).id_member(name);
        assert!(matches!(call.await, Err(CallError::Encode(_))), "{name}");
    }
}

#[test]
fn the_table_tells_what_ids_are_and_where_they_stand() {
    let node = node();
    let kinds: Vec<_> = node.methods().iter().map(|method| method.kind.clone()).collect();
    let MethodKind::Subscription { ids, id_member, .. } = &kinds[0] else { panic!() };
    assert_eq!((*ids, &**id_member), (SubscriptionIds::Numbers, "subscription"));
    let MethodKind::Subscription { ids, id_member, .. } = &kinds[1] else { panic!() };
    assert_eq!((*ids, &**id_member), (SubscriptionIds::Strings, "subscription_id"));
    let by_hand = SubscriptionInfo::ended_by("stop").item("item").number_ids().id_member("sid");
    assert_eq!(kinds[2], MethodKind::subscription("by_hand", by_hand));
    let MethodKind::Subscription { item, unsubscribe, .. } =
        MethodKind::subscription("ticks", "stop")
    else {
        panic!()
    };
    assert_eq!((&*item, &*unsubscribe), ("ticks", "stop"));
}
