//! Batches that are refused as a whole, or answered in part: nobody waits for a deadline, what did not run is
//! sent anew or said not to have run, and nothing is sent twice.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::{Call, CallError, Context, Fate, Limits, Peer, Router, memory};
use serde_json::Value;
use support::Raw;
use support::probed::Probed;
use tokio::time::Instant;

/// So many calls without a deadline, and behind each a notification, as one batch.
async fn send(peer: &Peer, calls: usize, notifications: usize) -> Vec<Call<u64>> {
    let batch = peer.batch();
    let calls = (0..calls).map(|n| batch.call("twice", (n as u64,)).no_timeout()).collect();
    for n in 0..notifications {
        batch.notify("note", (n,)).unwrap();
    }
    batch.send().await.unwrap();
    calls
}

async fn fates(calls: Vec<Call<u64>>) -> Vec<Fate> {
    let mut fates = Vec::new();
    for call in calls {
        match call.await {
            Err(error @ CallError::Unanswered { .. }) => fates.push(error.fate().unwrap()),
            other => panic!("{other:?}"),
        }
    }
    fates
}

/// An end that takes small batches, and counts what it ran.
fn small(batch: usize, ran: &Arc<AtomicUsize>) -> Endpoint {
    let [calls, notes] = [(); 2].map(|()| ran.clone());
    let services = Router::new()
        .method("twice", move |_: Context, (n,): (u64,)| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move { Ok(2 * n) }
        })
        .notification("note", move |_: Context, _: (u64,)| {
            notes.fetch_add(1, Ordering::SeqCst);
            async {}
        });
    let mut limits = Limits::server();
    limits.batch = batch;
    Endpoint::new(EndpointConfig::new(services, limits).with(|config| config.keepalive = false))
}

fn caller(opens: bool, plain: bool) -> Endpoint {
    let config = EndpointConfig::new(Router::new(), Limits::client());
    let hello = if plain { Hello::Never } else { Hello::Auto };
    let endpoint = Endpoint::new(config.with(|config| {
        config.keepalive = false;
        config.hello = hello;
        config.answers_malformed = !opens;
    }));
    if opens {
        endpoint.set_extended(true);
    }
    endpoint
}

/// The first batch leaves before it is known how many members the other end takes, at a plain end all do.
#[tokio::test(start_paused = true)]
async fn a_batch_that_is_too_large_for_the_other_end_is_sent_in_parts() {
    for (opens, plain) in [(true, false), (false, false), (true, true)] {
        for batch in [1, 7, 10, 99] {
            let ran = Arc::new(AtomicUsize::new(0));
            let (near, far) = memory::transports(64 * 1024);
            let (callee, caller) = (small(batch, &ran), caller(opens, plain));
            let (peer, start) = (caller.peer(), Instant::now());
            let calls = send(&peer, 20, 30).await;
            let notes = send(&peer, 0, 50).await;
            tokio::spawn(callee.connect(near));
            tokio::spawn(caller.connect(far));
            let later = send(&peer, 20, 0).await;
            for calls in [calls, later] {
                for (n, call) in calls.into_iter().enumerate() {
                    assert_eq!(call.await, Ok(2 * n as u64));
                }
            }
            assert!(notes.is_empty());
            peer.call::<u64>("twice", (0,)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(ran.load(Ordering::SeqCst), 20 + 30 + 50 + 20 + 1, "each once");
            assert!(start.elapsed() < Duration::from_secs(1));
            assert_eq!((peer.stats().pending, peer.stats().counters.stray), (0, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_told_how_many_members_there_may_be_splits_before() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"batch":3}}"#).await;
    raw.receive().await;
    let _calls = send(&peer, 4, 3).await;
    for expected in [3, 3, 1] {
        let batch: Vec<Value> = serde_json::from_str(&raw.receive().await).unwrap();
        assert_eq!(batch.len(), expected);
    }
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"batch":1000}}"#).await;
    raw.receive().await;
    let _calls = send(&peer, 150, 0).await;
    for expected in [100, 50] {
        let batch: Vec<Value> = serde_json::from_str(&raw.receive().await).unwrap();
        assert_eq!(batch.len(), expected, "its own limit holds as well");
    }
    let mut limits = Limits::client();
    limits.calls_on_wire = 2;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let _calls = send(&peer, 3, 0).await;
    let batch: Vec<Value> = serde_json::from_str(&raw.receive().await).unwrap();
    assert_eq!(batch.len(), 2, "more than those would never be on the wire together");
}

fn refusal(data: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":-32010,"message":"too\nmany"{data}}}}}"#
    )
}

const MAX_2: &str = r#","data":{"kind":"batch_too_big","max":2}"#;
const TOO_BIG: &str = r#","data":{"kind":"batch_too_big"}"#;

#[tokio::test(start_paused = true)]
async fn what_is_refused_again_was_not_executed_and_says_so() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let other = peer.call::<u64>("other", ()).no_timeout().start();
    raw.receive().await;
    let mut calls = send(&peer, 4, 1).await;
    raw.receive().await;
    drop(calls.remove(1)); // cancelled, and not wanted any more
    raw.receive().await;
    raw.send(&refusal(MAX_2)).await;
    raw.play(
        r#"
<-- [{"jsonrpc":"2.0","method":"twice","params":[0],"id":2},{"jsonrpc":"2.0","method":"twice","params":[2],"id":4}]
<-- [{"jsonrpc":"2.0","method":"twice","params":[3],"id":5},{"jsonrpc":"2.0","method":"note","params":[0]}]
--> [{"jsonrpc":"2.0","id":2,"result":20},{"jsonrpc":"2.0","id":4,"result":24}]
"#,
    )
    .await;
    raw.send(&refusal(TOO_BIG)).await;
    assert!(raw.is_silent().await, "once");
    let last = calls.pop().unwrap().await.unwrap_err();
    assert_eq!(last.fate(), Some(Fate::NotSent));
    let text = r"the batch was refused as a whole: too\nmany (code -32010) (not sent)";
    assert_eq!(last.to_string(), text);
    assert_eq!((calls.remove(0).await, calls.remove(0).await), (Ok(20), Ok(24)));
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":5}"#).await;
    assert_eq!(other.await, Ok(5), "it had nothing to do with it");
    assert_eq!(peer.stats().pending, 0);
}

/// Without a number nothing is known of how to split; and what is too long is not kept for it.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_anew_was_not_executed() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    for data in [TOO_BIG, r#","data":{"kind":"batch_too_big","max":0}"#] {
        let first = send(&peer, 2, 3).await;
        let second = send(&peer, 2, 0).await;
        raw.receive().await;
        raw.receive().await;
        raw.send(&refusal(data)).await;
        raw.send(&refusal(data)).await;
        assert_eq!(fates(first).await, [Fate::NotSent; 2], "the oldest first");
        assert_eq!(fates(second).await, [Fate::NotSent; 2]);
    }
    assert_eq!(peer.stats().counters.dropped, 6, "notifications that are lost are counted");
    let batch = peer.batch();
    let calls = (0..3).map(|_| batch.call("m", ("x".repeat(100_000),)).no_timeout()).collect();
    batch.send().await.unwrap();
    raw.receive().await;
    raw.send(&refusal(MAX_2)).await;
    assert_eq!(fates(calls).await, [Fate::NotSent; 3]);
    assert!(raw.is_silent().await);
}

/// A server that knows no batches at all, and one that answers them with nothing.
#[tokio::test(start_paused = true)]
async fn a_batch_that_is_alone_is_ended_by_an_error_without_an_id() {
    for error in [
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"no batches here"}}"#,
        r#"{"error":{"code":-32600,"message":"Invalid Request"},"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"not of our kind"}}"#,
        "[]",
        r#"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}]"#,
    ] {
        for connect in [Raw::connect, Raw::connect_to_opener] {
            let (mut raw, peer) = connect(Router::new(), Limits::client());
            let calls = send(&peer, 3, 0).await;
            raw.receive().await;
            raw.send(error).await;
            assert_eq!(fates(calls).await, [Fate::MaybeExecuted; 3], "{error}");
            assert!(raw.is_silent().await, "nothing is sent back");
            raw.send(r#"[{"jsonrpc":"2.0","id":1,"result":1}]"#).await;
            assert!(raw.is_silent().await);
            let counters = peer.stats().counters;
            assert_eq!((counters.stray, counters.malformed, counters.foreign), (0, 0, 0), "late");
            assert_eq!(counters.unaddressed, u64::from(error != "[]"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_alone_is_not() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#;
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let first = send(&peer, 2, 0).await;
    let second = peer.call::<u8>("m", ()).no_timeout().start();
    raw.receive().await;
    raw.receive().await;
    raw.send(error).await;
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().pending, 3, "it may be the answer to either");
    raw.send(r#"{"jsonrpc":"2.0","id":3,"result":3}"#).await;
    raw.send(error).await;
    assert_eq!(second.await, Ok(3));
    assert_eq!(fates(first).await, [Fate::MaybeExecuted; 2]);
}

/// There are ends that answer each ping by an error: aria2 does.
#[tokio::test(start_paused = true)]
async fn an_error_may_be_the_answer_to_a_ping() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error."}}"#;
    let (near, far) = memory::transports(64 * 1024);
    let endpoint = Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
    endpoint.set_extended(false);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(Probed(near)));
    let mut raw = Raw::over(far);
    let calls = send(&peer, 2, 0).await;
    raw.receive().await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    raw.send(error).await;
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().pending, 2);
    raw.send(r#"[{"jsonrpc":"2.0","id":2,"result":2},{"jsonrpc":"2.0","id":1,"result":1}]"#).await;
    for (call, result) in calls.into_iter().zip([1, 2]) {
        assert_eq!(call.await, Ok(result));
    }
    let calls = send(&peer, 2, 0).await;
    raw.receive().await;
    raw.send(error).await;
    assert_eq!(fates(calls).await, [Fate::MaybeExecuted; 2], "the ping came before");
}

#[tokio::test(start_paused = true)]
async fn calls_that_the_answer_to_their_batch_leaves_out_end_with_it() {
    for connect in [Raw::connect, Raw::connect_to_opener] {
        for (answer, answered) in [
            (r#"[{"jsonrpc":"2.0","id":2,"result":7}]"#, true),
            (r#"[{"jsonrpc":"2.0","id":2,"error":"off"},{"event":1}]"#, false),
            (
                r#"[{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}},{"id":2,"result":7}]"#,
                true,
            ),
            (r#"[{"jsonrpc":"2.0","id":2}]"#, false),
            (r#"[{"jsonrpc":"2.0","id":2,"result":NaN}]"#, false),
        ] {
            let (mut raw, peer) = connect(Router::new(), Limits::client());
            let mut calls = send(&peer, 3, 0).await;
            let other = send(&peer, 2, 0).await;
            let single = peer.call::<u8>("m", ()).no_timeout().start();
            for _ in 0..3 {
                raw.receive().await;
            }
            raw.send(answer).await;
            let second = calls.remove(1).await;
            assert_eq!(second.is_ok(), answered, "{answer}: {second:?}");
            assert!(answered || matches!(second, Err(CallError::Decode(_))));
            assert_eq!(fates(calls).await, [Fate::MaybeExecuted; 2], "{answer}");
            assert_eq!(peer.stats().pending, 3, "others wait for their own");
            drop((other, single));
        }
    }
}

/// Single messages are no answer to the batch as a whole: more of them may come.
#[tokio::test(start_paused = true)]
async fn a_batch_may_be_answered_message_by_message() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let calls = send(&peer, 3, 0).await;
    raw.receive().await;
    for id in [3, 1, 2] {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{id}}}"#)).await;
        assert!(raw.is_silent().await);
    }
    for (call, result) in calls.into_iter().zip(1..) {
        assert_eq!(call.await, Ok(result));
    }
}

/// It may be the answer to any of the calls that were open then.
#[tokio::test(start_paused = true)]
async fn an_error_without_an_id_is_shown_to_those_who_waited_in_vain() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = |peer: &Peer| peer.call::<u8>("m", ()).timeout(Duration::from_secs(5)).start();
    let (first, second) = (call(&peer), call(&peer));
    raw.receive().await;
    raw.receive().await;
    let long = "x".repeat(10_000);
    let error = format!(
        r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":-32600,"message":"bad\n{long}","data":[1]}}}}"#
    );
    raw.send(&error).await;
    assert!(raw.is_silent().await);
    let later = call(&peer);
    let timeouts = [first.await, second.await, later.await].map(|came_to| came_to.unwrap_err());
    for (timeout, was_open) in timeouts.iter().zip([true, true, false]) {
        assert_eq!(timeout.fate(), Some(Fate::MaybeExecuted));
        let CallError::Timeout { heard, .. } = timeout else { panic!("{timeout:?}") };
        assert_eq!(heard.is_some(), was_open);
    }
    let CallError::Timeout { heard: Some(heard), .. } = &timeouts[0] else { panic!() };
    assert_eq!((heard.code, &heard.message[..4], heard.message.len()), (-32600, "bad\n", 300));
    assert!(heard.data.is_none());
    let text = timeouts[0].to_string();
    assert!(text.contains(r"bad\nxxx") && text.contains("(code -32600)"), "{text}");
    assert_eq!(peer.stats().counters.unaddressed, 1);
}

/// Its notifications are to run, whatever became of the calls beside them.
#[tokio::test(start_paused = true)]
async fn notifications_are_sent_anew_though_the_calls_beside_them_were_given_up() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let calls = send(&peer, 2, 1).await;
    raw.receive().await;
    drop(calls);
    for _ in 0..2 {
        assert!(raw.receive().await.contains("cancel"));
    }
    raw.send(&refusal(MAX_2)).await;
    assert_eq!(raw.receive().await, r#"[{"jsonrpc":"2.0","method":"note","params":[0]}]"#);
    let later = send(&peer, 2, 0).await;
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#).await;
    // No answer to the calls that were given up is waited for: this one is about the batch.
    assert_eq!(fates(later).await, [Fate::MaybeExecuted; 2]);
}

/// A part of the first batch, which is small enough, is not what is refused the second time.
#[tokio::test(start_paused = true)]
async fn parts_that_wait_for_their_answers_are_not_taken_for_the_next_that_is_refused() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let first = send(&peer, 2, 1).await;
    let second = send(&peer, 3, 0).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(&refusal(MAX_2)).await;
    raw.send(&refusal(MAX_2)).await;
    raw.play(
        r#"
<-- [{"jsonrpc":"2.0","method":"twice","params":[0],"id":1},{"jsonrpc":"2.0","method":"twice","params":[1],"id":2}]
<-- [{"jsonrpc":"2.0","method":"note","params":[0]}]
<-- [{"jsonrpc":"2.0","method":"twice","params":[0],"id":3},{"jsonrpc":"2.0","method":"twice","params":[1],"id":4}]
<-- [{"jsonrpc":"2.0","method":"twice","params":[2],"id":5}]
--> [{"jsonrpc":"2.0","id":5,"result":5}]
--> [{"jsonrpc":"2.0","id":3,"result":3},{"jsonrpc":"2.0","id":4,"result":4}]
--> [{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":2,"result":2}]
"#,
    )
    .await;
    for (call, result) in first.into_iter().chain(second).zip(1..) {
        assert_eq!(call.await, Ok(result));
    }
}

/// They were on their way when the refusal was: a client that cancels them does nothing wrong.
#[tokio::test(start_paused = true)]
async fn members_of_a_batch_that_was_refused_may_be_cancelled() {
    let mut limits = Limits::server();
    limits.batch = 2;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let member = |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
    let batch: Vec<_> = (1..=5).map(member).collect();
    raw.send(&format!("[{}]", batch.join(","))).await;
    assert!(raw.receive().await.contains("-32010"));
    for id in 1..=7 {
        let cancel =
            format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#);
        raw.send(&cancel).await;
        assert!(raw.is_silent().await);
    }
    let counters = peer.stats().counters;
    assert_eq!(
        (counters.stray, counters.malformed),
        (1, 0),
        "each member, and the refusal, make up for one"
    );
}

/// A batch whose two members are as long as that together, and what is said of it.
async fn send_long(peer: &Peer, bytes: usize) -> Vec<Call<u64>> {
    let batch = peer.batch();
    let text = "x".repeat(bytes / 2);
    let calls = (0..2).map(|_| batch.call("m", (&text,)).no_timeout()).collect();
    batch.send().await.unwrap();
    calls
}

const MAX_1: &str = r#","data":{"kind":"batch_too_big","max":1}"#;

#[tokio::test(start_paused = true)]
async fn one_with_as_many_members_as_may_be_is_not_what_was_refused() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let _first = send(&peer, 2, 0).await;
    let _second = send(&peer, 3, 0).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(&refusal(MAX_2)).await;
    assert!(raw.receive().await.contains(r#""id":3"#));
    assert!(raw.receive().await.contains(r#""id":5"#));
    assert!(raw.is_silent().await);
}

/// One that is too long to be kept is still known by its number of members, as long as that is of use.
#[tokio::test(start_paused = true)]
async fn one_that_was_answered_is_not_what_was_refused() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let first = send_long(&peer, 300_000).await;
    let _second = send(&peer, 2, 0).await;
    raw.receive().await;
    raw.receive().await;
    for (call, id) in first.into_iter().zip(1..) {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{id}}}"#)).await;
        assert_eq!(call.await, Ok(id));
    }
    raw.send(&refusal(MAX_1)).await;
    assert!(raw.receive().await.contains(r#""id":3"#));
    assert!(raw.receive().await.contains(r#""id":4"#));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_in_parts_is_not_sent_in_smaller_ones() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let calls = send(&peer, 3, 0).await;
    raw.receive().await;
    raw.send(&refusal(MAX_2)).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(&refusal(MAX_1)).await;
    assert!(raw.is_silent().await);
    raw.send(r#"{"jsonrpc":"2.0","id":3,"result":3}"#).await;
    let mut calls = calls.into_iter();
    for _ in 0..2 {
        let error = calls.next().unwrap().await.unwrap_err();
        assert_eq!(error.fate(), Some(Fate::NotSent));
    }
    assert_eq!(calls.next().unwrap().await, Ok(3));
}

/// 256 KiB are kept of all batches together.
#[tokio::test(start_paused = true)]
async fn of_many_long_batches_those_that_came_first_are_sent_anew() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let _first = send_long(&peer, 100_000).await;
    let _second = send_long(&peer, 100_000).await;
    let third = send_long(&peer, 100_000).await;
    for _ in 0..3 {
        raw.receive().await;
    }
    for ids in [[1, 2], [3, 4]] {
        raw.send(&refusal(MAX_1)).await;
        for id in ids {
            assert!(raw.receive().await.ends_with(&format!(r#""id":{id}}}]"#)));
        }
    }
    raw.send(&refusal(MAX_1)).await;
    assert_eq!(fates(third).await, [Fate::NotSent; 2]);
}

#[tokio::test(start_paused = true)]
async fn batches_that_are_done_with_leave_their_room_to_others() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    // Answered, refused, or of notifications: of none is heard any more.
    for round in 0..8 {
        let calls = send_long(&peer, 100_000).await;
        raw.receive().await;
        let (first, second) = (4 * round + 1, 4 * round + 2);
        raw.send(&format!(r#"[{{"id":{first},"result":1}},{{"id":{second},"result":1}}]"#)).await;
        for call in calls {
            assert_eq!(call.await, Ok(1));
        }
        let calls = send_long(&peer, 100_000).await;
        raw.receive().await;
        raw.send(&refusal(MAX_1)).await;
        for id in [first + 2, second + 2] {
            assert!(raw.receive().await.ends_with(&format!(r#""id":{id}}}]"#)), "{round}");
            raw.send(&format!(r#"[{{"id":{id},"result":1}}]"#)).await;
        }
        for call in calls {
            assert_eq!(call.await, Ok(1));
        }
        let batch = peer.batch();
        batch.notify("note", ("x".repeat(100_000),)).unwrap();
        batch.send().await.unwrap();
        raw.receive().await;
    }
}

#[tokio::test(start_paused = true)]
async fn batches_that_were_forgotten_in_a_pause_leave_their_room_to_others() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let _open = send(&peer, 1, 0).await;
    raw.receive().await;
    for round in 0..2 {
        let calls = send_long(&peer, 100_000).await;
        raw.receive().await;
        for (call, id) in calls.into_iter().zip(2 * round + 2..) {
            raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{id}}}"#)).await;
            assert_eq!(call.await, Ok(id));
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let _calls = send_long(&peer, 100_000).await;
    raw.receive().await;
    raw.send(&refusal(MAX_1)).await;
    assert!(raw.receive().await.ends_with(r#""id":6}]"#));
    assert!(raw.receive().await.ends_with(r#""id":7}]"#));
}

/// It is not kept, so it takes no room from one that is.
#[tokio::test(start_paused = true)]
async fn one_that_is_too_long_drives_out_no_other() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let _none = send(&peer, 0, 2).await;
    let long = send_long(&peer, 300_000).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(&refusal(MAX_1)).await;
    for _ in 0..2 {
        assert!(raw.receive().await.contains("note"));
    }
    raw.send(&refusal(MAX_1)).await;
    assert_eq!(fates(long).await, [Fate::NotSent; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_may_come_late() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let _calls = send(&peer, 2, 0).await;
    raw.receive().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    raw.send(&refusal(MAX_1)).await;
    assert!(raw.receive().await.contains(r#""id":1"#));
    assert!(raw.receive().await.contains(r#""id":2"#));
}

#[tokio::test(start_paused = true)]
async fn what_the_other_end_takes_is_known_from_its_hello_if_the_refusal_does_not_say() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let _calls = send(&peer, 3, 0).await;
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"batch":2}}"#).await;
    raw.receive().await;
    raw.send(&refusal(TOO_BIG)).await;
    assert!(raw.receive().await.contains(r#""id":2"#));
    assert!(raw.receive().await.contains(r#""id":3"#));
}

/// The other members have answers of their own, which are not to be lost.
#[tokio::test(start_paused = true)]
async fn an_error_without_an_id_among_answers_is_about_one_member() {
    let error =
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":2,"result":7}"#;
    for text in [format!("[{error},{answer}]"), format!("[{answer},{error}]")] {
        let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
        let mut calls = send(&peer, 2, 0).await;
        raw.receive().await;
        raw.send(&text).await;
        assert_eq!(calls.pop().unwrap().await, Ok(7), "{text}");
        assert_eq!(fates(calls).await, [Fate::MaybeExecuted], "{text}");
    }
}

/// However often one array says so.
#[tokio::test(start_paused = true)]
async fn one_array_refuses_one_batch() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let first = send(&peer, 2, 0).await;
    let _second = send(&peer, 2, 0).await;
    raw.receive().await;
    raw.receive().await;
    let error = refusal(TOO_BIG);
    raw.send(&format!("[{error},{error}]")).await;
    assert_eq!(fates(first).await, [Fate::NotSent; 2]);
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().pending, 2);
}

#[tokio::test(start_paused = true)]
async fn one_array_may_answer_several_batches_in_any_order() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(send(&peer, 2, 0).await);
        raw.receive().await;
    }
    raw.send(r#"[{"id":6,"result":6},{"id":3,"result":3},{"id":1,"result":1}]"#).await;
    let mut came_to = Vec::new();
    for call in calls.into_iter().flatten() {
        came_to.push(call.await.ok());
    }
    assert_eq!(came_to, [Some(1), None, Some(3), None, None, Some(6)]);
}

#[tokio::test(start_paused = true)]
async fn an_error_without_an_id_may_be_about_a_call_that_was_given_up() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#;
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let given_up = peer.call::<u8>("m", ()).no_timeout().start();
    let calls = send(&peer, 2, 0).await;
    raw.receive().await;
    raw.receive().await;
    drop(given_up);
    assert!(raw.receive().await.contains("cancel"));
    raw.send(error).await;
    assert!(raw.is_silent().await);
    assert_eq!(peer.stats().pending, 2);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    raw.send(error).await;
    assert_eq!(fates(calls).await, [Fate::MaybeExecuted; 2]);
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_refused_batch_that_were_given_up_are_not_waited_for() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let mut calls = send(&peer, 2, 0).await;
    raw.receive().await;
    drop(calls.pop());
    assert!(raw.receive().await.contains("cancel"));
    raw.send(&refusal(TOO_BIG)).await;
    assert_eq!(fates(calls).await, [Fate::NotSent]);
    let later = send(&peer, 2, 0).await;
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#).await;
    assert_eq!(fates(later).await, [Fate::MaybeExecuted; 2]);
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_the_wire_go_on_when_a_batch_is_given_up() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 2;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let calls = send(&peer, 2, 0).await;
    raw.receive().await;
    let _waits = peer.call::<u8>("m", ()).no_timeout().start();
    assert!(raw.is_silent().await);
    raw.send("[]").await;
    assert_eq!(fates(calls).await, [Fate::MaybeExecuted; 2]);
    assert!(raw.receive().await.contains(r#""id":3"#));
}

#[tokio::test(start_paused = true)]
async fn of_a_long_refusal_the_beginning_is_told() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let mut calls = send(&peer, 2, 0).await;
    raw.receive().await;
    let long = "x".repeat(10_000);
    raw.send(&format!(r#"{{"id":null,"error":{{"code":1,"message":"{long}"}}}}"#)).await;
    let text = calls.pop().unwrap().await.unwrap_err().to_string();
    assert!(text.contains(&long[..200]) && text.len() < 400, "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_error_without_an_id_says_nothing_of_a_call_that_had_not_left() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#;
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let call = |peer: &Peer| peer.call::<u8>("m", ()).timeout(Duration::from_secs(5)).start();
    let (first, second) = (call(&peer), call(&peer));
    raw.receive().await;
    raw.send(error).await;
    let heard = |came_to: Result<u8, CallError>| match came_to {
        Err(CallError::Timeout { fate, heard }) => (fate, heard.is_some()),
        other => panic!("{other:?}"),
    };
    assert_eq!(heard(second.await), (Fate::NotSent, false));
    assert_eq!(heard(first.await), (Fate::MaybeExecuted, true));
    // What is said once more is about what was open then.
    let third = call(&peer);
    raw.receive().await;
    raw.send(error).await;
    assert_eq!(heard(third.await), (Fate::MaybeExecuted, true));
}
