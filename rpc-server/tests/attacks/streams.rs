//! Streams, calls and cancels by the thousand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::{Context, Router};

use crate::canary::{Lives, Target};
use crate::raw::Raw;
use crate::support::{TEXT, echo, frame, limits, until};

fn message(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

fn request(id: usize, method: &str) -> Vec<u8> {
    message(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#))
}

fn cancel(id: usize) -> Vec<u8> {
    message(&format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#))
}

/// Reads all that comes without keeping it.
fn reading(mut raw: Raw) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move { while raw.frame().await.is_some() {} })
}

#[tokio::test]
async fn one_subscription_too_many() {
    let target = Target::with(|limits| limits.slow_reader = Duration::from_secs(20)).await;
    let mut raw = target.open().await;
    for id in 0..256 {
        raw.send(request(id, "quiet")).await;
    }
    for _ in 0..256 {
        assert!(raw.text().await.contains(r#""result""#));
    }
    raw.send(request(256, "quiet")).await;
    let refused = raw.text().await;
    assert!(refused.contains(r#""id":256"#) && refused.contains("-32006"), "{refused}");
    assert_eq!(target.lives.now(), 256);
    assert_eq!(target.server.stats().subscriptions, 256);
    target.unharmed_after(raw).await;
}

/// All of them always have an item to send.
#[tokio::test]
async fn as_many_restless_streams_as_there_may_be_that_nobody_reads() {
    let target = Target::with(|limits| {
        limits.slow_reader = Duration::from_millis(500);
        limits.close = Duration::from_millis(500);
    })
    .await;
    let mut raw = target.open().await;
    for id in 0..300 {
        raw.send(request(id, "ticks")).await;
    }
    target.is_serving().await;
    until(|| target.closes("4008") == 1).await;
    target.unharmed_after(raw).await;
}

#[tokio::test]
async fn subscribing_and_hanging_up() {
    let target = Target::new().await;
    for _ in 0..20 {
        let mut raw = target.open().await;
        for id in 0..256 {
            raw.send(request(id, "ticks")).await;
        }
        assert!(raw.text().await.contains(r#""result""#));
        raw.reset();
    }
    target.unharmed().await;
}

/// The place of a request is free only when its handler has ended, so nothing is gained.
#[tokio::test]
async fn requests_that_are_cancelled_at_once() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    for round in 0..20 {
        let storm: Vec<u8> = (round * 1000..(round + 1) * 1000)
            .flat_map(|id| [request(id, "hang"), cancel(id)].concat())
            .collect();
        raw.send(storm).await;
        for _ in 0..1000 {
            raw.frame().await.expect("the connection ended");
        }
    }
    assert!(target.lives.most() <= 512, "{} handlers at once", target.lives.most());
    target.unharmed_after(raw).await;
}

/// First all the requests, more than may run, then all the cancels; those are for nothing in part.
#[tokio::test]
async fn cancels_for_what_was_refused() {
    let target = Target::new().await;
    let mut raw = target.open().await;
    for round in 0..10 {
        let ids = round * 1000..(round + 1) * 1000;
        raw.send(ids.clone().flat_map(|id| request(id, "hang")).collect::<Vec<u8>>()).await;
        raw.send(ids.flat_map(cancel).collect::<Vec<u8>>()).await;
        for _ in 0..1000 {
            let answer = raw.text().await;
            assert!(answer.contains("-32009") || answer.contains("-32800"), "{answer}");
        }
    }
    assert_eq!(target.lives.most(), 512);
    target.unharmed_after(raw).await;
}

/// Handlers that do not hear of a cancel keep their places: they are busy, not free.
#[tokio::test]
async fn cancels_of_handlers_that_do_not_stop() {
    let lives = Lives::default();
    let working = lives.clone();
    let work = move |_: Context, (): ()| {
        let life = working.one();
        async move {
            let work = tokio::task::spawn_blocking(move || {
                std::thread::sleep(Duration::from_millis(1));
                drop(life);
            });
            work.await.unwrap();
            Ok(())
        }
    };
    let builder = echo().service(Router::new().method("work", work));
    let target = Target::of(builder, lives).await;
    let raw = target.open().await;
    let storm: Vec<u8> =
        (0..2000).flat_map(|id| [request(id, "work"), cancel(id)].concat()).collect();
    let mut raw = raw;
    raw.send(storm).await;
    for _ in 0..2000 {
        raw.frame().await.expect("the connection ended");
    }
    target.unharmed_after(raw).await;
}

/// Answers and cancels for what was never asked.
#[tokio::test]
async fn answers_to_nothing() {
    let texts = [
        r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":""}}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#,
        r#"{"jsonrpc":"2.0","method":"$/stop","params":{"subscription":"x"}}"#,
    ];
    flood_beyond("`stray_rate`", &texts).await;
}

/// What is no message, and credit, items and reports of progress that cannot be.
#[tokio::test]
async fn garbage_without_end() {
    let texts = [
        r#"{"jsonrpc":"2.0","method":"$/credit","params":{"subscription":"x","bytes":1}}"#,
        r#"{"jsonrpc":"2.0","method":"$/item","params":{"subscription":"x","seq":1,"result":1}}"#,
        r#"{"jsonrpc":"2.0","method":"$/progress","params":{"token":1,"value":1}}"#,
        r#"{"jsonrpc":"2.0","method":"ticks","params":{"subscription":"x","result":1}}"#,
        r#"{"jsonrpc":"2.0","method":"unheard_of"}"#,
        r#"{"jsonrpc":"2.0","method":7}"#,
        "{",
    ];
    flood_beyond("`malformed_rate`", &texts).await;
}

async fn flood_beyond(limit: &str, texts: &[&str]) {
    let target = Target::new().await;
    let mut raw = target.open().await;
    let flood: Vec<u8> = texts.iter().flat_map(|text| message(text)).collect();
    for _ in 0..2000 {
        if !raw.try_send(&flood).await {
            break;
        }
    }
    target.is_exceeded(limit).await;
    assert!(target.server.stats().queue_bytes < 6 * 1024 * 1024);
    target.unharmed_after(raw).await;
}

/// More than wait, behind one that does not end: reading pauses, and the canary's does not.
#[tokio::test]
async fn notifications_faster_than_they_are_handled() {
    let lives = Lives::default();
    let slow = |_: Context, (): ()| std::future::pending();
    let builder = echo().service(Router::new().notification("slow", slow));
    let builder = builder.limits(limits(|limits| limits.slow_reader = Duration::from_millis(500)));
    let target = Target::of(builder, lives).await;
    let mut raw = target.open().await;
    let flood = message(r#"{"jsonrpc":"2.0","method":"slow"}"#).repeat(1000);
    while raw.try_send(&flood).await && target.closes("1008") == 0 {}
    until(|| target.closes("1008") == 1).await;
    target.unharmed_after(raw).await;
}

/// A handler calls its caller for each of its requests; neither end reads an answer.
#[tokio::test]
async fn both_ends_call_and_neither_reads() {
    let lives = Lives::default();
    let (calling, failed) = (lives.clone(), Arc::<AtomicUsize>::default());
    let failures = failed.clone();
    let call_me = move |cx: Context, (): ()| {
        let (life, failures) = (calling.one(), failures.clone());
        async move {
            let _life = life;
            let call = cx.peer().call::<()>("you", ("x".repeat(8192),)).await;
            failures.fetch_add(usize::from(call.is_err()), Ordering::SeqCst);
            Ok(())
        }
    };
    let builder = echo().service(Router::new().method("call_me", call_me));
    let builder = builder.limits(limits(|limits| {
        limits.slow_reader = Duration::from_millis(500);
        limits.close = Duration::from_millis(500);
    }));
    let target = Target::of(builder, lives).await;
    let mut raw = target.open().await;
    let mut id = 0;
    while raw.try_send(request(id, "call_me")).await && target.closes("4008") == 0 {
        id += 1;
    }
    until(|| target.closes("4008") == 1).await;
    assert!(target.lives.most() <= 1024, "{} handlers at once", target.lives.most());
    target.unharmed_after(raw).await;
}

/// Two of our own ends that flood each other, and read: all of it is answered or busy.
#[tokio::test]
async fn both_ends_call_as_fast_as_they_can() {
    let target = Target::new().await;
    let raw = target.open().await;
    let task = reading(raw);
    let me = Router::new().method("you", |_: Context, (text,): (String,)| async move { Ok(text) });
    let client = target.way.client(rpc_client::Client::builder().service(me)).await;
    let peers = target.server.peers();
    let mut calls = Vec::new();
    for _ in 0..2000 {
        calls.push(client.peer().call::<String>("echo", ("x".repeat(1000),)).start());
        for peer in &peers {
            drop(peer.call::<String>("you", ("x".repeat(100),)).start());
        }
    }
    for call in calls {
        assert_eq!(crate::support::soon(call).await.map(|text| text.len()), Ok(1000));
    }
    target.is_serving().await;
    drop(client);
    task.abort();
    target.unharmed().await;
}
