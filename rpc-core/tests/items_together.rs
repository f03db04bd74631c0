//! Items that are ready together leave together, to an end that has said that it takes several in one message.

mod support;

use futures_util::{StreamExt, stream};
use rpc_core::{Context, Lag, Limits, Peer, Router, StreamError, Streaming};
use serde::Serialize;
use serde_json::{Value, json};
use support::Raw;
use support::ends::ends;

const TAKES_SEVERAL: &str = r#"{"duplex":1,"results":true}"#;

fn with(mut limits: Limits, change: impl FnOnce(&mut Limits)) -> Limits {
    change(&mut limits);
    limits
}

/// A raw end that has subscribed to these items, and the id of the subscription.
async fn subscribed<T: Serialize + Send + 'static>(
    hello: &str,
    limits: Limits,
    items: impl Fn() -> Streaming<T> + Send + Sync + 'static,
) -> (Raw, String) {
    let services = Router::new().subscription("items", "stop", move |_: Context, (): ()| {
        let items = items();
        async move { Ok(items) }
    });
    let (mut raw, _) = Raw::connect(services, limits);
    raw.notify("$/hello", hello).await;
    assert!(raw.receive().await.contains(r#""results":true"#), "this end takes several");
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"items"}"#).await;
    let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
    (raw, answer["result"].as_str().unwrap().to_owned())
}

/// The params of the next message, without the id.
async fn next(raw: &mut Raw) -> Value {
    let mut message: Value = serde_json::from_str(&raw.receive().await).unwrap();
    message["params"].as_object_mut().unwrap().remove("subscription");
    message["params"].take()
}

/// Takes items up to the item with this number. Returns how many each message had: a turn may end in the middle of what is
/// ready, if it has become long.
async fn items_until(raw: &mut Raw, first: usize, last: usize) -> Vec<usize> {
    let (mut came, mut messages) = (first, Vec::new());
    while came < last {
        let next = next(raw).await;
        assert_eq!(next["seq"], came + 1);
        let results: Vec<usize> = match next.get("result") {
            Some(result) => vec![serde_json::from_value(result.clone()).unwrap()],
            None => serde_json::from_value(next["results"].clone()).unwrap(),
        };
        assert!(results.iter().copied().eq(came..came + results.len()), "{next}");
        came += results.len();
        messages.push(results.len());
    }
    assert_eq!(came, last);
    messages
}

#[tokio::test(start_paused = true)]
async fn ready_items_leave_in_few_messages_and_in_their_order() {
    let (mut raw, _) =
        subscribed(TAKES_SEVERAL, Limits::server(), || Streaming::<u32>::new(stream::iter(0..200)))
            .await;
    let messages = items_until(&mut raw, 0, 200).await;
    assert!(messages.len() < 100 && messages.iter().all(|items| *items <= 64), "{messages:?}");
    assert_eq!(next(&mut raw).await, json!({ "seq": 201, "done": true }));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_says_nothing_of_it_gets_each_by_itself() {
    let hello = r#"{"duplex":1,"ack":true}"#;
    let items = || Streaming::<u32>::new(stream::iter(0..3));
    let (mut raw, _) = subscribed(hello, Limits::server(), items).await;
    for item in 0..3 {
        assert_eq!(next(&mut raw).await, json!({ "seq": item + 1, "result": item }));
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_ready_alone_leaves_alone() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let receiver = std::sync::Mutex::new(Some(receiver));
    let (mut raw, _) = subscribed(TAKES_SEVERAL, Limits::server(), move || {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        Streaming::<u32>::new(stream::poll_fn(move |cx| receiver.poll_recv(cx)))
    })
    .await;
    for item in 1..4 {
        sender.send(item).await.unwrap();
        assert_eq!(next(&mut raw).await, json!({ "seq": item, "result": item }));
    }
}

#[tokio::test(start_paused = true)]
async fn items_together_take_no_more_than_their_credit_and_a_part_of_the_window() {
    let hello = r#"{"duplex":1,"window":1024,"results":true}"#;
    let items = || Streaming::<u32>::new(stream::iter(0..100));
    let (mut raw, id) = subscribed(hello, Limits::server(), items).await;
    // Each counts for 64 bytes.
    let messages = items_until(&mut raw, 0, 16).await;
    assert!(messages.iter().all(|items| *items <= 2), "{messages:?}");
    assert!(raw.is_silent().await);
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":65}}"#)).await;
    items_until(&mut raw, 16, 18).await; // the last one overdraws
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn long_items_leave_alone_and_one_that_is_too_long_ends_the_stream() {
    let lengths = [1, 1, 5000, 1, 3000, 3000, 90_000, 1, 1, 120_000];
    let limits = with(Limits::server(), |limits| limits.message_out = 100_000);
    let (mut raw, id) = subscribed(r#"{"duplex":1,"window":1000000,"results":true}"#, limits, {
        move || Streaming::<String>::new(stream::iter(lengths.map(|length| "x".repeat(length))))
    })
    .await;
    let mut seen = Vec::new();
    loop {
        let text = raw.receive().await;
        assert!(text.len() <= 100_000);
        let message: Value = serde_json::from_str(&text).unwrap();
        let params = &message["params"];
        assert_eq!(params["subscription"], *id);
        let lengths = |values: &[Value]| {
            values.iter().map(|value| value.as_str().unwrap().len()).collect::<Vec<_>>()
        };
        if let Some(error) = params.get("error") {
            assert_eq!(error["code"], -32008);
            assert_eq!(error["data"]["limit"].as_u64().unwrap_or(100_000), 100_000);
            break;
        }
        seen.push(match params.get("results") {
            Some(values) => lengths(values.as_array().unwrap()),
            None => lengths(std::slice::from_ref(&params["result"])),
        });
    }
    assert!(seen.concat().iter().eq(&lengths[..9]), "{seen:?}");
    assert!(
        seen.iter().all(|together| together.len() == 1 || !together.contains(&5000)),
        "{seen:?}"
    );
    assert!(seen.iter().all(|together| together.iter().sum::<usize>() <= 90_000), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn an_item_behind_a_gap_begins_another_message() {
    let hello = r#"{"duplex":1,"window":1024,"results":true}"#;
    let (mut raw, id) = subscribed(hello, Limits::server(), || {
        Streaming::<u32>::new(stream::iter(0..100)).lag(Lag::DropOldest, 4)
    })
    .await;
    items_until(&mut raw, 0, 16).await;
    assert!(raw.is_silent().await);
    raw.notify("$/credit", &format!(r#"{{"subscription":"{id}","bytes":1024}}"#)).await;
    items_until(&mut raw, 96, 100).await; // the newest four
    assert_eq!(next(&mut raw).await, json!({ "seq": 101, "done": true }));
}

/// A subscription to a raw end, which has said hello or not.
async fn subscribing(greets: bool, limits: Limits) -> (Raw, Peer, Streaming<Value>) {
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    if greets {
        raw.greet().await;
    }
    let call = peer.subscribe("items", "stop", ()).start();
    let request: Value = serde_json::from_str(&raw.receive().await).unwrap();
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":"s"}}"#, request["id"])).await;
    (raw, peer, call.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn each_of_several_items_is_taken_by_itself() {
    let limits = with(Limits::client(), |limits| limits.depth = 3);
    let (mut raw, peer, mut items) = subscribing(true, limits).await;
    let send = [
        r#""seq":1,"results":[0,1]"#,
        r#""seq":5,"results":[ 4 , [[]],[[[]]],{"$serde_json::private::RawValue":"1"}, "x"]"#,
        r#""seq":5,"results":[9]"#,
        r#""seq":10,"results":[]"#,
        r#""seq":10,"results":[9],"result":9"#,
        r#""seq":18446744073709551615,"results":[9,9]"#,
        r#""seq":10,"results":[9]"#,
        r#""seq":11,"done":true"#,
    ];
    for members in send {
        raw.notify("$/item", &format!(r#"{{"subscription":"s",{members}}}"#)).await;
    }
    let mut taken = Vec::new();
    while let Some(item) = items.next().await {
        taken.push(match item {
            Ok(value) => value.to_string(),
            Err(StreamError::Gap { missed }) => format!("{missed} missing"),
            Err(StreamError::Decode(_)) => "unreadable".to_owned(),
            Err(other) => panic!("{other}"),
        });
    }
    let unreadable = "unreadable";
    assert_eq!(taken, ["0", "1", "2 missing", "4", "[[]]", unreadable, unreadable, "\"x\"", "9"]);
    assert_eq!(peer.stats().counters.malformed, 4);
}

#[tokio::test(start_paused = true)]
async fn credit_is_given_when_the_last_of_them_is_consumed() {
    let limits = with(Limits::client(), |limits| limits.stream_window = 1024);
    let (mut raw, _peer, mut items) = subscribing(true, limits).await;
    let results: Vec<_> = (0..16).collect();
    let item = json!({ "subscription": "s", "seq": 1, "results": results });
    raw.notify("$/item", &item.to_string()).await;
    for item in 0..15 {
        assert_eq!(items.next().await, Some(Ok(json!(item))));
    }
    assert!(raw.is_silent().await);
    // Beyond the credit: a gap.
    let item = json!({ "subscription": "s", "seq": 17, "results": [16, 17] });
    raw.notify("$/item", &item.to_string()).await;
    assert!(raw.is_silent().await);
    assert_eq!(items.next().await, Some(Ok(json!(15))));
    let credit = r#"{"subscription":"s","bytes":1024,"seq":18}"#;
    assert!(raw.receive().await.contains(credit));
    assert_eq!(items.next().await, Some(Err(StreamError::Gap { missed: 2 })));
}

/// `results` is a plain peer's own member.
#[tokio::test(start_paused = true)]
async fn a_plain_peers_results_are_no_items() {
    let (mut raw, peer, mut items) = subscribing(false, Limits::client()).await;
    raw.notify("items", r#"{"subscription":"s","results":[1]}"#).await;
    raw.notify("items", r#"{"subscription":"s","result":2,"results":[1]}"#).await;
    assert_eq!(items.next().await, Some(Ok(json!(2))));
    assert_eq!(peer.stats().counters.malformed, 0);
}

/// Whatever the window: all items come, in their order.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_between_two_ends_that_take_several() {
    for stream_window in [1, 64, 65, 500, 4096, 65_536] {
        let services = Router::new().subscription("items", "stop", |_: Context, (): ()| async {
            Ok(Streaming::<String>::new(stream::iter(0..3000).map(text)))
        });
        let limits = with(Limits::client(), |limits| limits.stream_window = stream_window);
        let (peer, _) = ends((Router::new(), limits), (services, Limits::server()));
        let mut items = peer.subscribe::<String>("items", "stop", ()).await.unwrap();
        for number in 0..3000 {
            assert_eq!(items.next().await, Some(Ok(text(number))), "a window of {stream_window}");
            if number % 500 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(items.next().await, None);
    }
}

/// Texts of some lengths.
fn text(number: usize) -> String {
    format!("{number}{}", ",\"x".repeat(number % 97))
}
