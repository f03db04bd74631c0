//! G10, G11 and G5: queues are bounded, who waits enters in order, and nothing ever stands still.

mod support;

use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::types::GoAway;
use rpc_core::{CallError, CloseCode, Context, Limits, NotifyError, Peer, Router, memory};
use support::Raw;
use tokio::time::Instant;

fn text() -> String {
    "x".repeat(1000)
}

/// Notifies until there is no room, also after the connection had its turn.
async fn fill(peer: &Peer) {
    for _ in 0..3 {
        for sent in 0.. {
            match peer.try_notify("n", (text(),)) {
                Ok(()) => assert!(sent < 20, "the queue is bounded"),
                Err(NotifyError::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
        tokio::task::yield_now().await;
    }
}

fn small() -> Limits {
    let mut limits = Limits::server();
    limits.queue = 10_000;
    limits.message_out = 10_000;
    limits
}

/// Methods that answer much, run long, or note what they got.
fn services() -> Router {
    Router::new()
        .method("big", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
        .method("echo", |_: Context, (text,): (String,)| async move { Ok(text) })
        .notification("note", |_: Context, (_,): (String,)| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
        })
}

#[tokio::test(start_paused = true)]
async fn notifications_wait_for_room_and_enter_in_order() {
    let (mut raw, peer) = Raw::connect_with(Router::new(), small(), 1);
    fill(&peer).await;
    assert!(peer.stats().queue_bytes < 12_000);
    let waiting: Vec<_> = ["a", "b", "c"]
        .map(|name| {
            let peer = peer.clone();
            tokio::spawn(async move { peer.notify(name, ()).await })
        })
        .into();
    tokio::task::yield_now().await;
    assert!(peer.try_notify("late", ()).is_err(), "it would overtake");
    assert!(waiting.iter().all(|task| !task.is_finished()));
    let mut names = Vec::new();
    while names.len() < 3 {
        let message = raw.receive().await;
        names.extend(["\"a\"", "\"b\"", "\"c\""].into_iter().find(|name| message.contains(name)));
    }
    assert_eq!(names, ["\"a\"", "\"b\"", "\"c\""]);
    for task in waiting {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_dropped_while_it_waits_is_never_sent() {
    let (mut raw, peer) = Raw::connect_with(Router::new(), small(), 1);
    fill(&peer).await;
    let waits = tokio::time::timeout(Duration::from_millis(1), peer.notify("dropped", ()));
    assert!(waits.await.is_err());
    let last = tokio::spawn({
        let peer = peer.clone();
        async move { peer.notify("last", ()).await }
    });
    loop {
        let message = raw.receive().await;
        assert!(!message.contains("dropped"));
        if message.contains("last") {
            break;
        }
    }
    last.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_is_closed_after_ten_seconds() {
    let (mut raw, peer) = Raw::connect_with(services(), small(), 1);
    let start = Instant::now();
    for id in 0..12 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[1000]}}"#)).await;
    }
    let reason = peer.closed().await;
    assert_eq!(reason.code, Some(CloseCode::SLOW_READER));
    let waited = start.elapsed().as_secs();
    assert!((10..=16).contains(&waited), "{waited} s: 10, and 5 for a close that nobody reads");
}

#[tokio::test(start_paused = true)]
async fn who_hoards_answers_is_closed_at_once() {
    let (mut raw, peer) = Raw::connect_with(services(), small(), 1);
    let start = Instant::now();
    // Refusals enter whatever the queue holds, so these can only end it.
    for id in 0..400 {
        if peer.is_closed() {
            break;
        }
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"none"}}"#)).await;
        tokio::task::yield_now().await;
    }
    assert!(peer.is_closed());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(peer.closed().await.code, Some(CloseCode::SLOW_READER));
}

/// Answers of a reader that is slow, but reads, are all sent, in bounded memory.
#[tokio::test(start_paused = true)]
async fn answers_are_never_dropped() {
    let (mut raw, peer) = Raw::connect_with(services(), small(), 1);
    for id in 0..100 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[1000]}}"#)).await;
        tokio::task::yield_now().await;
    }
    assert!(peer.stats().queue_bytes < 12_000, "{}", peer.stats().queue_bytes);
    let mut seen = Vec::new();
    for _ in 0..100 {
        let answer = raw.receive().await;
        let id = answer.split([':', ',']).nth(3).unwrap().parse::<u32>().unwrap();
        seen.push(id);
    }
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

/// Each answer makes room for the next: no timer is needed for that.
#[tokio::test(start_paused = true)]
async fn results_that_wait_for_room_leave_as_soon_as_there_is_some() {
    let (mut raw, _peer) = Raw::connect_with(services(), small(), 1 << 20);
    for id in 0..40 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[9000]}}"#)).await;
    }
    let start = Instant::now();
    for _ in 0..40 {
        raw.receive().await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// The last notification ends while nothing else happens: what lies behind must be read all the same.
#[tokio::test(start_paused = true)]
async fn reading_goes_on_when_waiting_notifications_end_at_once() {
    let mut limits = Limits::server();
    limits.waiting_notifications = 1;
    let services = services().notification("quick", |_: Context, (): ()| async {});
    let (mut raw, _peer) = Raw::connect(services, limits);
    raw.send(r#"{"jsonrpc":"2.0","method":"note","params":["takes a millisecond"]}"#).await;
    for _ in 0..3 {
        raw.send(r#"{"jsonrpc":"2.0","method":"quick"}"#).await;
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["behind"]}"#).await;
    let start = Instant::now();
    raw.receive().await;
    assert!(start.elapsed().as_millis() <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_drained_connection_closes_with_its_last_answer() {
    let (mut raw, peer) = Raw::connect(services(), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","method":"note","params":["x"]}"#).await;
    tokio::task::yield_now().await;
    peer.drain(CloseCode::RESTARTING, &GoAway::new("bye"), Duration::MAX);
    let start = Instant::now();
    assert_eq!(raw.closed().await, (Some(CloseCode::RESTARTING), "bye".into()));
    assert!(start.elapsed().as_millis() <= 2);
}

/// More than one turn sends: the rest follows by itself.
#[tokio::test(start_paused = true)]
async fn a_long_queue_is_sent_in_several_turns() {
    let (mut raw, peer) = Raw::connect_with(Router::new(), Limits::server(), 16 << 20);
    for _ in 0..800 {
        peer.try_notify("n", (text(),)).unwrap();
    }
    for _ in 0..800 {
        raw.receive().await;
    }
}

/// Both ends call, notify and answer as fast as they can, through narrow pipes and queues.
#[tokio::test(start_paused = true)]
async fn both_ends_flooding_each_other_never_stand_still() {
    let (left, right) = memory::transports(1);
    let peers: Vec<Peer> = [left, right]
        .map(|transport| {
            let mut config = EndpointConfig::new(services(), small());
            config.keepalive = false;
            let endpoint = Endpoint::new(config);
            let peer = endpoint.peer();
            tokio::spawn(endpoint.connect(transport));
            peer
        })
        .into();
    let mut tasks = Vec::new();
    for peer in &peers {
        for task in 0..20 {
            let peer = peer.clone();
            tasks.push(tokio::spawn(async move {
                for _ in 0..20 {
                    if task % 4 == 0 {
                        peer.notify("note", (text(),)).await.unwrap();
                    } else {
                        let answer: Result<String, CallError> = peer.call("echo", (text(),)).await;
                        assert_eq!(answer.unwrap().len(), 1000);
                    }
                }
            }));
        }
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(60), task).await.expect("moves on").unwrap();
    }
}

/// Two raw ends would face each other like this: neither reads. It ends in a close.
#[tokio::test(start_paused = true)]
async fn calls_to_an_end_that_never_reads_end_in_a_close() {
    let (_raw, peer) = Raw::connect_with(services(), small(), 1);
    let calls: Vec<_> =
        (0..30).map(|_| peer.call::<String>("m", (text(),)).no_timeout().start()).collect();
    for call in calls {
        match call.await {
            Err(CallError::Closed { reason, .. }) => {
                assert_eq!(reason.code, Some(CloseCode::SLOW_READER));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Notifications faster than their handlers: reading pauses, and goes on when it may.
#[tokio::test(start_paused = true)]
async fn a_flood_of_notifications_pauses_reading_and_loses_none() {
    let mut limits = Limits::server();
    limits.waiting_notifications = 10;
    let (mut raw, peer) = Raw::connect_with(services(), limits, 1);
    for _ in 0..1000 {
        raw.send(r#"{"jsonrpc":"2.0","method":"note","params":["x"]}"#).await;
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["still here"]}"#).await;
    assert!(raw.receive().await.contains("still here"));
    assert!(!peer.is_closed());
}
