//! A pause of the process or of its thread (a stopped process, a virtual machine that was moved, a handler that
//! blocks) makes all timers late at once, while what they wait for has come in meanwhile. `advance` is such a pause:
//! the clock jumps, and nobody had a turn in between.

mod support;

use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{CallError, CloseCode, Context, Limits, Peer, Router, memory};
use support::Raw;
use support::ends::settle;
use support::probed::Probed;
use tokio::time::advance;

const PING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(6);

/// An end that looks whether the other one lives, each second, and gives it two.
fn watched(raw_capacity: usize) -> (Raw, Peer) {
    let mut limits = Limits::server();
    (limits.ping, limits.dead_after) = (PING, 2 * PING);
    let (near, far) = memory::transports(raw_capacity);
    let endpoint = Endpoint::new(EndpointConfig::new(Router::new(), limits));
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(Probed(near)));
    (Raw::over(far), peer)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_come_counts_though_the_deadline_is_over_when_it_is_read() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.call::<u64>("sleep", (100,)).timeout(Duration::from_millis(500)).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":100}"#).await;
    advance(PAUSE).await;
    assert_eq!(call.await, Ok(100));
}

#[tokio::test(start_paused = true)]
async fn an_answer_behind_more_than_a_turn_reads_counts_as_well() {
    let (mut raw, peer) = Raw::connect_with(Router::new(), Limits::client(), 1 << 20);
    let call = peer.call::<u64>("sleep", (100,)).timeout(Duration::from_millis(500)).start();
    raw.receive().await;
    for _ in 0..2000 {
        raw.send(r#"{"jsonrpc":"2.0","method":"$/unknown"}"#).await;
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":100}"#).await;
    advance(PAUSE).await;
    assert_eq!(call.await, Ok(100));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_over_before_it_is_sent_is_not_sent() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.call::<u64>("sleep", (100,)).timeout(Duration::from_millis(500)).start();
    advance(PAUSE).await;
    let fate = rpc_core::Fate::NotSent;
    assert_eq!(call.await, Err(CallError::Timeout { fate, heard: None }));
    assert!(raw.is_silent().await);
}

/// What never ends must not keep a call from its end: a second later it is over.
#[tokio::test(start_paused = true)]
async fn a_deadline_waits_for_unread_messages_no_longer_than_a_second() {
    // Each keeps the connection from reading on for a millisecond.
    let slow = Router::new().method("slow", |_: Context, (): ()| async {
        advance(Duration::from_millis(1)).await;
        Ok(())
    });
    let (mut raw, peer) = Raw::connect_with(slow, Limits::client(), 1 << 30);
    let call = peer.call::<u64>("never", ()).timeout(Duration::from_millis(500)).start();
    raw.receive().await;
    let began = tokio::time::Instant::now();
    for id in 0..20_000 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"slow"}}"#)).await;
    }
    assert!(matches!(call.await, Err(CallError::Timeout { .. })));
    let took = began.elapsed();
    assert!(took <= Duration::from_millis(1800), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_link_is_not_dead_because_this_end_did_not_look() {
    let (mut raw, peer) = watched(1000);
    settle().await;
    // With a sign of life that lies there, and without one: nobody was asked for it.
    for speaks in [true, false] {
        if speaks {
            raw.send("[]").await;
        }
        advance(PAUSE).await;
        settle().await;
        assert!(!peer.is_closed(), "{speaks}");
    }
    // What is silent from then on is dead all the same.
    tokio::time::sleep(2 * PING).await;
    assert!(peer.is_closed());
}

#[tokio::test(start_paused = true)]
async fn who_did_not_read_during_a_pause_has_as_much_time_as_ever() {
    let mut limits = Limits::server();
    limits.queue = 1000;
    let (mut raw, peer) = Raw::connect_with(Router::new(), limits, 100);
    let notes = |count| {
        let peer = peer.clone();
        async move {
            for _ in 0..count {
                peer.notify("note", ("x".repeat(100),)).await?;
            }
            Ok::<_, rpc_core::NotifyError>(())
        }
    };
    let full = tokio::spawn(notes(20));
    settle().await;
    advance(Duration::from_secs(60)).await;
    settle().await;
    assert!(!peer.is_closed());
    for _ in 0..20 {
        raw.receive().await;
    }
    full.await.unwrap().unwrap();

    // Without a pause it is slow when its time is over.
    let stuck = tokio::spawn(notes(20));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert!(stuck.await.unwrap().is_err());
    assert_eq!(peer.closed().await.code, Some(CloseCode::SLOW_READER));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_came_during_a_pause_is_in_time() {
    let services = Router::new().method("login", |cx: Context, (): ()| async move {
        tokio::time::sleep(Duration::from_secs(5)).await; // as one that asks a database
        Ok(cx.peer().log_in(()))
    });
    let mut config = EndpointConfig::new(services, Limits::server());
    config.keepalive = false;
    let endpoint = Endpoint::new(config);
    let limits = Limits::server().for_a_guest();
    endpoint.require_login(&["login".into()], limits, Duration::from_secs(10), ()).unwrap();
    let (near, far) = memory::transports(1 << 20);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    settle().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login"}"#).await;
    advance(Duration::from_secs(60)).await;
    assert!(raw.receive().await.contains(r#""result":true"#));
    assert!(!peer.is_closed());
}
