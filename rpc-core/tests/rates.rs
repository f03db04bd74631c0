//! What is malformed or comes to nothing may not come too fast; and no honest end is taken for a
//! flood.

mod support;

use std::future::pending;
use std::time::Duration;

use futures_util::stream;
use rpc_core::transport::{EndpointConfig, OnForeign};
use rpc_core::types::Counters;
use rpc_core::{CloseCode, Context, Limits, Peer, Router, Streaming};
use support::Raw;

const MALFORMED: &str = "more malformed messages than `malformed_rate`";
const STRAY: &str = "more stray messages than `stray_rate`";

fn services() -> Router {
    Router::new()
        .method("echo", |_: Context, (text,): (String,)| async move { Ok(text) })
        .method("never", |_: Context, (): ()| pending::<rpc_core::Result<()>>())
        .notification("note", |_: Context, _: serde_json::Value| async {})
        .subscription("empty", "unsubscribe_empty", |_: Context, (): ()| async {
            Ok(Streaming::new(stream::empty::<u8>()))
        })
}

fn cancel(id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#)
}

fn request(id: usize, method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#)
}

/// Waits until all that was sent is dealt with: the connection is alive.
async fn lives(raw: &mut Raw) {
    raw.send(r#"{"jsonrpc":"2.0","id":"alive?","method":"echo","params":["yes"]}"#).await;
    while !raw.receive().await.contains(r#""result":"yes""#) {}
}

/// Sends as much as may come in ten seconds, again in the next ten, and then once more.
async fn floods(limits: Limits, text: &str, rate: usize, expected: &str) -> Counters {
    let (mut raw, peer) = Raw::connect(services(), limits);
    for _ in 0..2 {
        for _ in 0..rate {
            raw.send(text).await;
        }
        lives(&mut raw).await;
        tokio::time::sleep(Duration::from_millis(9_999)).await;
        lives(&mut raw).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for _ in 0..rate {
        raw.send(text).await;
    }
    lives(&mut raw).await;
    raw.send(text).await;
    let (code, reason) = raw.closed().await;
    assert_eq!((code, &*reason), (Some(CloseCode::POLICY), expected), "{text}");
    peer.stats().counters
}

#[tokio::test(start_paused = true)]
async fn malformed_messages_faster_than_their_rate_close_the_connection() {
    for text in [
        "{",
        "[]",
        "1",
        r#"{"jsonrpc":"1.0","id":1,"method":"echo"}"#,
        r#"{"method":"echo"}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest"}"#,
        r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":0}}"#,
        r#"{"jsonrpc":"2.0","method":"$/credit","params":{"subscription":"s","bytes":0}}"#,
        r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":1}}"#,
        r#"{"jsonrpc":"2.0","method":"$/stop"}"#,
        r#"{"jsonrpc":"2.0","method":"unsubscribe_empty","params":[]}"#,
    ] {
        for limits in [Limits::server(), Limits::client()] {
            let counters = floods(limits, text, 100, MALFORMED).await;
            assert_eq!((counters.malformed, counters.stray), (301, 0), "all are counted: {text}");
        }
    }
}

/// It is what a server says beside JSON-RPC, and not what it does wrong.
#[tokio::test(start_paused = true)]
async fn what_is_foreign_to_the_end_that_opened_the_link_may_come_ten_times_as_fast() {
    let batch = format!("[{}]", vec!["1"; 50].join(","));
    for text in [r#"{"event":"volume_changed"}"#, "{", r#"{"method":"item/delta"}"#, "1", &batch] {
        let (mut raw, peer) = Raw::connect_to_opener(services(), Limits::client());
        for _ in 0..1000 {
            raw.send(text).await;
        }
        lives(&mut raw).await;
        raw.send(text).await;
        let reason = "more messages that are no JSON-RPC than ten times `malformed_rate`";
        assert_eq!(raw.closed().await, (Some(CloseCode::POLICY), reason.into()), "{text}");
        let counters = peer.stats().counters;
        let members = if text == batch { 50 } else { 1 };
        assert_eq!((counters.foreign, counters.malformed), (1001 * members, 0), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_foreign_and_heard_may_come_as_fast_as_it_likes() {
    let (tell, told) = std::sync::mpsc::channel();
    let config = EndpointConfig::new(services(), Limits::client()).with(|config| {
        config.answers_malformed = false;
        config.on_foreign = Some(OnForeign::new(move |text: &str| {
            tell.send(text.to_owned()).unwrap();
            assert!(!text.contains("panic"), "a listener may panic");
        }));
    });
    let (mut raw, peer) = Raw::connect_as(config, 64 * 1024);
    for text in ["panic", r#"[1,{"event":2},{"jsonrpc":"2.0","method":"note"}]"#] {
        raw.send(text).await;
    }
    for _ in 0..5_000 {
        raw.send(r#"{"event":3}"#).await;
    }
    raw.send("{").await;
    lives(&mut raw).await;
    let heard: Vec<_> = told.try_iter().collect();
    assert_eq!(heard[..3], ["panic", "1", r#"{"event":2}"#]);
    assert_eq!((heard.len(), &*heard[5_003]), (5_004, "{"));
    assert_eq!(counted(&peer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn stray_messages_faster_than_their_rate_close_the_connection() {
    for text in [
        r#"{"jsonrpc":"2.0","id":7,"result":1}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":1,"error":2}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"unsubscribe_empty","params":["s"]}"#,
        r#"{"jsonrpc":"2.0","method":"unsubscribe_empty","params":["s"]}"#,
        r#"{"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"s"}}"#,
    ] {
        for mut limits in [Limits::server(), Limits::client()] {
            assert_eq!(limits.stray_rate, 1000);
            // The few requests of this test make up for a few of them.
            let free = if text.contains("result") { 0 } else { 3 };
            limits.stray_rate = 200;
            let (mut raw, peer) = Raw::connect(services(), limits);
            for _ in 0..3 {
                lives(&mut raw).await;
            }
            for _ in 0..200 + free {
                raw.send(text).await;
            }
            raw.send(text).await;
            let (code, reason) = raw.closed().await;
            assert_eq!((code, &*reason), (Some(CloseCode::POLICY), STRAY), "{text}");
            let counters = peer.stats().counters;
            assert_eq!((counters.malformed, counters.stray), (0, 201), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_of_strays_ends_like_any_other() {
    let text = r#"{"jsonrpc":"2.0","id":7,"result":1}"#;
    let counters = floods(Limits::server(), text, 1000, STRAY).await;
    assert_eq!((counters.malformed, counters.stray), (0, 3001));
}

#[tokio::test(start_paused = true)]
async fn what_comes_later_in_the_same_window_counts_with_the_rest() {
    let (mut raw, _peer) = Raw::connect(services(), Limits::server());
    for _ in 0..50 {
        raw.send("{").await;
    }
    lives(&mut raw).await;
    tokio::time::sleep(Duration::from_millis(9_900)).await;
    for _ in 0..51 {
        raw.send("{").await;
    }
    assert_eq!(raw.closed().await, (Some(CloseCode::POLICY), MALFORMED.into()));
}

#[tokio::test(start_paused = true)]
async fn a_batch_counts_once_however_many_of_its_members_are_malformed() {
    let batch = format!("[{}]", vec!["1"; 100].join(","));
    let notified = format!("[{}]", vec![r#"{"method":"note"}"#; 100].join(","));
    for text in [batch, notified] {
        let counters = floods(Limits::server(), &text, 100, MALFORMED).await;
        assert_eq!(counters.malformed, 30_100, "but each is counted: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_in_flight_is_malformed() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    for _ in 0..102 {
        raw.send(&request(1, "never")).await;
    }
    assert_eq!(raw.closed().await, (Some(CloseCode::POLICY), MALFORMED.into()));
    assert_eq!(peer.stats().counters.malformed, 101);
}

/// What is well-formed and beyond another limit has its own answer, or none.
#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_not_malformed() {
    let (mut raw, _peer) = Raw::connect(services(), Limits::server());
    let batch = format!("[{}]", vec![request(1, "echo"); 101].join(","));
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let deep = format!(r#"{{"jsonrpc":"2.0","method":"note","params":{deep}}}"#);
    for _ in 0..200 {
        raw.send(&batch).await;
        raw.send(&deep).await;
    }
    lives(&mut raw).await;
}

fn counted(peer: &Peer) -> (u64, u64) {
    let counters = peer.stats().counters;
    (counters.malformed, counters.stray)
}

#[tokio::test(start_paused = true)]
async fn errors_are_never_counted_whatever_they_answer() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    for id in 0..5_000 {
        let error = r#""error":{"code":1,"message":"m"}"#;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{error}}}"#)).await;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":null,{error}}}"#)).await;
    }
    lives(&mut raw).await;
    assert_eq!(counted(&peer), (0, 0));
}

/// One end gives a call up just as the other has answered it, whether that served it, refused it or
/// only had to say that it is there.
#[tokio::test(start_paused = true)]
async fn a_cancel_right_behind_each_answer_is_never_counted() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    for id in 0..2_500 {
        for method in ["echo", "none", "$/ping"] {
            raw.send(&request(id, method)).await;
            raw.receive().await;
            raw.send(&cancel(id)).await;
        }
    }
    lives(&mut raw).await;
    assert_eq!(counted(&peer), (0, 0));
}

/// A deadline for which the other end has waited in vain for its answers, all of them.
#[tokio::test(start_paused = true)]
async fn cancels_long_after_their_requests_are_not_counted() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    for id in 0..4_000 {
        raw.send(&request(id, "none")).await;
        raw.receive().await;
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    for id in 0..4_000 {
        raw.send(&cancel(id)).await;
    }
    lives(&mut raw).await;
    assert_eq!(counted(&peer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn cancels_of_live_calls_are_never_counted() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    for id in 0..3_000 {
        raw.send(&request(id, "never")).await;
        raw.send(&cancel(id)).await;
        assert!(raw.receive().await.contains("-32800"));
    }
    lives(&mut raw).await;
    assert_eq!(counted(&peer), (0, 0));
}

/// A subscribe call that was given up is cancelled, and what it made is unsubscribed: both may find
/// that it has ended.
#[tokio::test(start_paused = true)]
async fn unsubscribes_that_cross_the_end_of_their_stream_are_never_counted() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    for id in 0..2_500 {
        raw.send(&request(id, "empty")).await;
        let answer: serde_json::Value = serde_json::from_str(&raw.receive().await).unwrap();
        raw.send(&cancel(id)).await;
        let params = serde_json::json!([answer["result"]]);
        raw.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"unsubscribe_empty","params":{params}}}"#
        ))
        .await;
        assert!(raw.receive().await.contains(r#""result":false"#), "it has ended");
    }
    lives(&mut raw).await;
    assert_eq!(counted(&peer), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn late_answers_are_never_counted() {
    let (mut raw, peer) = Raw::connect(services(), Limits::client());
    for id in 1..=2_500 {
        let call = peer.call::<u8>("m", ()).start();
        raw.receive().await;
        drop(call);
        raw.receive().await;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#)).await;
    }
    lives(&mut raw).await;
    assert_eq!(counted(&peer), (0, 0));
}
