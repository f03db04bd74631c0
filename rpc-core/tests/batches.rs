//! Batches, served and sent.

mod support;

use std::time::Duration;

use rpc_core::{
    CallError, CloseCode, Context, ErrorObject, Fate, Limits, NotifyError, Router, memory,
};
use serde_json::Value;
use support::{Raw, assert_same};

fn services() -> Router {
    Router::new()
        .method("sleep", |_: Context, (ms,): (u64,)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        })
        .method("big", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
        .method("ask", |cx: Context, (): ()| async move {
            let batch = cx.peer().batch();
            let call = batch.call::<u8>("question", ());
            batch.send().await.unwrap();
            call.await.map_err(|error| ErrorObject::new(1, error.to_string()))
        })
}

#[tokio::test(start_paused = true)]
async fn members_run_together_and_are_answered_in_their_order() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    let start = tokio::time::Instant::now();
    raw.send(
        r#"[{"jsonrpc":"2.0","id":1,"method":"sleep","params":[300]},
            {"jsonrpc":"2.0","id":2,"method":"sleep","params":[200]},
            {"jsonrpc":"2.0","id":3,"method":"sleep","params":[100],"timeoutMs":50}]"#,
    )
    .await;
    assert_same(
        &raw.receive().await,
        r#"[{"jsonrpc":"2.0","id":1,"result":300},{"jsonrpc":"2.0","id":2,"result":200},
            {"jsonrpc":"2.0","id":3,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}]"#,
    );
    assert_eq!(start.elapsed().as_millis() / 10, 30);
    assert_eq!(peer.stats().queue_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn too_many_members_are_one_error_and_none_of_them_runs() {
    let (mut raw, _peer) = Raw::connect(services(), Limits::server());
    let batch = |members: usize| {
        format!("[{}]", vec![r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#; members].join(","))
    };
    raw.send(&batch(101)).await;
    assert_same(
        &raw.receive().await,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"the batch has more members than `batch`, which is 100","data":{"kind":"batch_too_big","max":100}}}"#,
    );
    raw.send(&batch(100)).await;
    let answers: Vec<Value> = serde_json::from_str(&raw.receive().await).unwrap();
    assert_eq!(answers.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_fit_any_more_is_replaced() {
    let mut limits = Limits::server();
    limits.message_out = 10_000;
    let (mut raw, _peer) = Raw::connect(services(), limits);
    raw.send(
        r#"[{"jsonrpc":"2.0","id":1,"method":"big","params":[6000]},
            {"jsonrpc":"2.0","id":2,"method":"big","params":[6000]},
            {"jsonrpc":"2.0","id":3,"method":"big","params":[20000]},
            {"jsonrpc":"2.0","id":4,"method":"big","params":[100]}]"#,
    )
    .await;
    let text = raw.receive().await;
    assert!(text.len() <= 10_000);
    let answers: Vec<Value> = serde_json::from_str(&text).unwrap();
    let codes: Vec<_> = answers.iter().map(|answer| answer["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [None, Some(-32011), Some(-32008), None]);
}

/// Batches whose answers together exceed the room do not wait for each other forever.
#[tokio::test(start_paused = true)]
async fn batches_that_gather_much_all_come_to_their_end() {
    let mut limits = Limits::server();
    limits.queue = 10_000;
    limits.message_out = 100_000;
    let (mut raw, peer) = Raw::connect(services(), limits);
    for batch in 0..10 {
        let member = |n| {
            let id = batch * 10 + n;
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[6000]}}"#)
        };
        let slow = format!(r#"{{"jsonrpc":"2.0","id":"s{batch}","method":"sleep","params":[50]}}"#);
        raw.send(&format!("[{},{slow},{}]", member(0), member(1))).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let gathered = peer.stats().queue_bytes;
    assert!(gathered < 10_000 + 3 * 6_100, "{gathered}");
    for _ in 0..10 {
        assert_eq!(serde_json::from_str::<Vec<Value>>(&raw.receive().await).unwrap().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_as_one_message_and_matched_in_any_order() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let batch = peer.batch();
    let first = batch.call::<u8>("a", ()).no_timeout();
    let second = batch.call::<u8>("b", (2,)).timeout(Duration::from_secs(1));
    let third = batch.call::<u8>("c", ()).no_timeout();
    batch.notify("n", ()).unwrap();
    drop(batch.call::<u8>("dropped", ()));
    batch.send().await.unwrap();
    assert_same(
        &raw.receive().await,
        r#"[{"jsonrpc":"2.0","method":"a","id":1},
            {"jsonrpc":"2.0","method":"b","params":[2],"id":2,"timeoutMs":1000},
            {"jsonrpc":"2.0","method":"c","id":3},
            {"jsonrpc":"2.0","method":"n"}]"#,
    );
    raw.send(r#"[{"jsonrpc":"2.0","id":3,"result":3},{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"m"}}]"#).await;
    assert_eq!(third.await, Ok(3));
    assert_eq!(first.await, Err(CallError::Remote(ErrorObject::new(5, "m"))));
    let left_out = second.await.unwrap_err();
    assert!(matches!(left_out, CallError::Unanswered { fate: Fate::MaybeExecuted, .. }));
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_written_is_left_out_of_its_batch() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let batch = peer.batch();
    let bad = batch.call::<u8>("bad", ()).idempotency_key("");
    let good = batch.call::<u8>("good", ()).no_timeout();
    batch.send().await.unwrap();
    raw.play(
        r#"
<-- [{"jsonrpc":"2.0","id":1,"method":"good"}]
--> [{"jsonrpc":"2.0","id":1,"result":1}]
"#,
    )
    .await;
    assert!(matches!(bad.await, Err(CallError::Encode(_))));
    assert_eq!(good.await, Ok(1));
    assert_eq!(peer.stats().pending, 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_split_at_the_limits() {
    let mut limits = Limits::client();
    limits.batch = 3;
    limits.message_out = 10_000;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let batch = peer.batch();
    let calls: Vec<_> = (0..4).map(|n| batch.call::<u8>("m", (n,))).collect();
    batch.notify("big", ("x".repeat(9_850),)).unwrap();
    batch.notify("small", ()).unwrap();
    assert!(matches!(batch.notify("m", ("x".repeat(9_999),)), Err(NotifyError::Encode(_))));
    batch.send().await.unwrap();
    let mut lengths = Vec::new();
    for _ in 0..3 {
        lengths.push(serde_json::from_str::<Vec<Value>>(&raw.receive().await).unwrap().len());
    }
    assert_eq!(lengths, [3, 1, 2]);
    drop(calls);
}

#[tokio::test(start_paused = true)]
async fn what_is_awaited_before_its_batch_is_sent_fails_at_once() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let unsent = CallError::Cancelled { fate: Fate::NotSent };
    let batch = peer.batch();
    assert_eq!(batch.call::<u8>("m", ()).await, Err(unsent.clone()));
    let call = batch.call::<u8>("m", ());
    drop(batch);
    assert_eq!(call.await, Err(unsent));
    peer.batch().send().await.unwrap();
    assert!(raw.is_silent().await, "an empty batch says nothing");
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_for_the_wire_as_a_whole_and_cancels_what_was_given_up() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 2;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let other = peer.call::<u8>("other", ()).no_timeout().start();
    let batch = peer.batch();
    let kept = batch.call::<u8>("kept", ()).no_timeout();
    let dropped = batch.call::<u8>("dropped", ()).no_timeout();
    batch.send().await.unwrap();
    drop(dropped);
    assert!(raw.receive().await.contains("other"));
    assert!(raw.is_silent().await, "two more would be three");
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    assert!(raw.receive().await.contains(r#""kept","id":2},{"#));
    assert_same(
        &raw.receive().await,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":3}}"#,
    );
    raw.send(r#"[{"id":3,"error":{"code":1,"message":"m"}},{"id":2,"result":2}]"#).await;
    assert_eq!((other.await, kept.await), (Ok(1), Ok(2)));
    assert_eq!((peer.stats().pending, peer.stats().counters.stray), (0, 0));
    let next = peer.call::<u8>("next", ()).start();
    assert!(raw.receive().await.contains("next"), "the wire is free again");
    drop(next);
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_batch_know_their_fate() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 2;
    limits.pending_calls = 3;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let (sent, waits) = (peer.batch(), peer.batch());
    let calls =
        [sent.call::<u8>("a", ()), sent.call("b", ()), waits.call("c", ()), waits.call("d", ())];
    sent.send().await.unwrap();
    waits.send().await.unwrap();
    raw.receive().await;
    peer.close(CloseCode::NORMAL, "enough");
    let [a, b, c, d] = calls;
    let fate = |result: Result<u8, CallError>| result.unwrap_err().fate().unwrap();
    assert_eq!((fate(a.await), fate(b.await)), (Fate::MaybeExecuted, Fate::MaybeExecuted));
    assert_eq!(fate(c.await), Fate::NotSent);
    assert_eq!(d.await, Err(CallError::Busy));
    let late = peer.batch();
    let call = late.call::<u8>("e", ());
    assert!(matches!(late.send().await, Err(NotifyError::Closed { .. })));
    assert!(matches!(call.await, Err(CallError::Closed { fate: Fate::NotSent, .. })));
}

/// A handler that waits for calls of a batch lends its place as for any other.
#[tokio::test(start_paused = true)]
async fn a_batch_lends_as_a_call_does() {
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    let (mut raw, _peer) = Raw::connect(services(), limits);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"ask"}
<-- [{"jsonrpc":"2.0","id":1,"method":"question","timeoutMs":30000}]
--> {"jsonrpc":"2.0","id":2,"method":"sleep","params":[0]}
<-- {"jsonrpc":"2.0","id":2,"result":0}
--> [{"jsonrpc":"2.0","id":1,"result":7}]
<-- {"jsonrpc":"2.0","id":1,"result":7}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn both_ends_are_ours() {
    let (peer, other) = memory::pair(Router::new(), services());
    let batch = peer.batch();
    let calls: Vec<_> = (0..250).map(|n| batch.call::<u64>("sleep", (n % 7,))).collect();
    batch.send().await.unwrap();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await, Ok(n as u64 % 7));
    }
    assert_eq!((peer.stats().pending, other.stats().in_flight), (0, 0));
}
