//! Batches that have gathered much, and have a member that takes its time: nobody else waits for that.

mod support;

use std::time::Duration;

use rpc_core::{CallError, Context, ErrorObject, Limits, Peer, Router};
use serde_json::Value;
use support::Raw;
use support::ends::{ends, settle};
use support::rest::at_rest;
use tokio::time::Instant;

const QUEUE: usize = 4096;

fn small() -> Limits {
    let mut limits = Limits::server();
    limits.queue = QUEUE;
    limits
}

/// Whether `question` sends its own call in a batch.
fn connect(in_batch: bool) -> (Peer, Peer) {
    let say = |error: CallError| ErrorObject::new(1, error.to_string());
    let server = Router::new()
        .method("big", |_: Context, (): ()| async { Ok("x".repeat(QUEUE + 10)) })
        .method("ask", move |cx: Context, (): ()| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            cx.peer().call::<u32>("question", ()).await.map_err(say)
        })
        .method("slow", |_: Context, (ms,): (u64,)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(ms)
        })
        .method("help", |_: Context, (): ()| async { Ok(7_u32) });
    let client = Router::new().method("question", move |cx: Context, (): ()| async move {
        if !in_batch {
            return cx.peer().call::<u32>("help", ()).await.map_err(say);
        }
        let batch = cx.peer().batch();
        let help = batch.call::<u32>("help", ());
        batch.send().await.unwrap();
        help.await.map_err(say)
    });
    ends((client, Limits::client()), (server, small()))
}

/// The oldest request waited until its batch had room again, which it had when the slow member was done;
/// every later one waited behind it.
#[tokio::test(start_paused = true)]
async fn a_call_is_not_held_up_by_a_batch_that_has_gathered_much() {
    let (peer, far) = connect(false);
    let batch = peer.batch();
    let big = batch.call::<String>("big", ());
    let slow = batch.call::<u64>("slow", (3_000,));
    let waits = batch.call::<String>("big", ());
    batch.send().await.unwrap();
    settle().await;
    let other = peer.batch();
    let helped = other.call::<u32>("help", ());
    other.send().await.unwrap();
    let start = Instant::now();
    assert_eq!(peer.call::<u32>("help", ()).timeout(Duration::from_secs(1)).await, Ok(7));
    assert_eq!(start.elapsed(), Duration::ZERO, "nothing that it needs is in use");
    assert_eq!(slow.await, Ok(3_000));
    assert_eq!(big.await.unwrap().len(), QUEUE + 10);
    // Those may have been held until there was room for their answers, or refused.
    assert!(matches!(helped.await, Ok(7) | Err(CallError::Remote(_) | CallError::Busy)));
    assert!(matches!(waits.await, Ok(_) | Err(CallError::Remote(_) | CallError::Busy)));
    assert!(start.elapsed() <= Duration::from_secs(3), "{:?}", start.elapsed());
    at_rest(&[&peer, &far]).await;
}

/// The slow member is one that calls back, and what it waits for waited behind the batch that waited for
/// it.
#[tokio::test(start_paused = true)]
async fn a_member_that_calls_back_is_not_waited_for_by_what_it_waits_for() {
    for in_batch in [false, true] {
        for others in [0, 1, 3] {
            let (peer, far) = connect(in_batch);
            let one = peer.batch();
            let big = one.call::<String>("big", ());
            let ask = one.call::<u32>("ask", ()).timeout(Duration::from_secs(3));
            one.send().await.unwrap();
            let mut helped = Vec::new();
            for _ in 0..others {
                let other = peer.batch();
                helped.push(other.call::<u32>("help", ()));
                other.send().await.unwrap();
            }
            let start = Instant::now();
            let asked = ask.await;
            // In a batch it may have been refused, as one that there is no room for.
            let refused = in_batch && matches!(asked, Err(CallError::Remote(_)));
            assert!(asked == Ok(7) || refused, "{asked:?}, batch {in_batch}, others {others}");
            assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
            assert_eq!(big.await.unwrap().len(), QUEUE + 10);
            for help in helped {
                assert!(matches!(help.await, Ok(7) | Err(CallError::Remote(_) | CallError::Busy)));
            }
            at_rest(&[&peer, &far]).await;
        }
    }
}

/// Passed by or refused, what a batch gathers stays within its bound, and the order of its answers is that
/// of its requests.
#[tokio::test(start_paused = true)]
async fn a_batch_that_gathers_much_stays_bounded_and_in_order() {
    let server = Router::new()
        .method("big", |_: Context, (n,): (u64,)| async move { Ok((n, "x".repeat(QUEUE))) })
        .method("slow", |_: Context, (ms,): (u64,)| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok((ms, String::new()))
        });
    let mut limits = small();
    limits.message_out = 10 * QUEUE;
    let (mut raw, peer) = Raw::connect(server, limits);
    let mut members =
        vec![r#"{"jsonrpc":"2.0","id":0,"method":"slow","params":[2000]}"#.to_owned()];
    members.extend(
        (1..40)
            .map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[{id}]}}"#)),
    );
    raw.send(&format!("[{}]", members.join(","))).await;
    settle().await;
    let gathered = peer.stats().queue_bytes;
    assert!(gathered <= 11 * QUEUE, "{gathered} bytes are gathered");
    raw.send(r#"{"jsonrpc":"2.0","id":"plain","method":"big","params":[1]}"#).await;
    assert!(raw.receive().await.contains("plain"), "it passes the batch");
    let answers: Vec<Value> = serde_json::from_str(&raw.receive().await).unwrap();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..40).collect::<Vec<_>>());
    for answer in &answers {
        let n = answer["id"].as_u64();
        let refused = answer["error"]["data"]["kind"] == "answer_too_big"
            || answer["error"]["data"]["kind"] == "busy";
        let ran = answer["result"][0].as_u64();
        assert!(refused || ran == n || n == Some(0), "{answer}");
    }
    assert_eq!(peer.stats().queue_bytes, 0);
}
