//! How connections end.

mod support;

use std::time::Duration;

use rpc_client::Client;
use rpc_core::types::ClosedBy;
use rpc_core::{CallError, CloseCode, Context, Router};
use rpc_server::Server;
use support::{BINARY, CLOSE, Raw, TEXT, echo, frame, limits, soon, spawn, until};

#[tokio::test]
async fn a_code_and_reason_reach_the_other_end() {
    let server = spawn(echo()).await;
    let client = Client::builder().connect(&server.url()).await.unwrap();
    let peer = server.peers().remove(0);
    peer.close(CloseCode::FORBIDDEN, "not you");
    let reason = soon(client.closed()).await;
    assert_eq!(reason.to_string(), "closed by the other end with code 4403: not you");
    assert_eq!(soon(peer.closed()).await.by, ClosedBy::Us);

    let client = Client::builder().connect(&server.url()).await.unwrap();
    let peer = server.peers().remove(0);
    client.peer().close(CloseCode::new(3000), "enough");
    let reason = soon(peer.closed()).await;
    assert_eq!(reason.to_string(), "closed by the other end with code 3000: enough");
}

#[tokio::test]
async fn a_client_that_is_dropped_closes_its_connection() {
    let server = spawn(echo()).await;
    let client = Client::builder().connect(&server.url()).await.unwrap();
    let (here, there) = (client.peer(), server.peers().remove(0));
    drop(client);
    let reason = soon(there.closed()).await;
    assert_eq!(reason.to_string(), "closed by the other end with code 1000");
    let call = here.call::<String>("echo", ("hi",)).await;
    assert!(matches!(call, Err(CallError::Closed { .. })));
}

#[tokio::test]
async fn a_broken_protocol_is_answered_by_a_close_that_says_how() {
    let server = spawn(echo().limits(limits(|limits| limits.message_in = 1024))).await;
    let mut reserved = frame(TEXT, b"{}");
    reserved[0] |= 0x40;
    let cases = [
        ("not masked", vec![0x81, 2, b'{', b'}'], 1002),
        ("a reserved bit", reserved, 1002),
        ("an unknown opcode", frame(3, b""), 1002),
        ("a fragmented ping", vec![0x09, 0x80, 0, 0, 0, 0], 1002),
        ("nothing to continue", frame(0, b"x"), 1002),
        ("a close code that must not be sent", frame(CLOSE, &1005_u16.to_be_bytes()), 1002),
        ("not UTF-8", frame(TEXT, b"\"\xff\""), 1007),
        ("binary that is not UTF-8", frame(BINARY, b"\"\xff\""), 1003),
        ("too big", frame(TEXT, &[b' '; 1025]), 1009),
    ];
    for (what, bytes, code) in cases {
        let mut raw = Raw::open(&server).await;
        raw.send(bytes).await;
        let (found, reason) = raw.close_frame().await;
        assert_eq!(found, code, "{what}: {reason}");
        assert!(!reason.is_empty(), "{what}");
    }
    until(|| server.stats().connections == 0).await;
    assert_eq!(server.stats().closes["1002"], 6);
}

#[tokio::test]
async fn a_close_is_answered_with_its_own_code() {
    let server = spawn(echo()).await;
    let mut raw = Raw::open(&server).await;
    raw.send(frame(CLOSE, &[&4001_u16.to_be_bytes()[..], b"bye"].concat())).await;
    assert_eq!(raw.close_frame().await.0, 4001);
    assert_eq!(raw.frame().await, None, "and the server hangs up");
}

#[tokio::test]
async fn who_does_not_answer_a_close_is_not_waited_for() {
    let server =
        spawn(echo().limits(limits(|limits| limits.close = Duration::from_millis(100)))).await;
    let mut raw = Raw::open(&server).await;
    let peer = server.peers().remove(0);
    peer.close(CloseCode::GOING_AWAY, "bye");
    assert_eq!(raw.close_frame().await, (1001, "bye".into()));
    soon(peer.closed()).await; // while `raw` is still there
    assert_eq!(raw.frame().await, None);
}

#[tokio::test]
async fn who_vanished_is_found_by_silence() {
    let short = limits(|limits| {
        limits.ping = Duration::from_millis(50);
        limits.dead_after = Duration::from_millis(100);
    });
    let server = spawn(echo().limits(short)).await;
    let raw = Raw::open(&server).await;
    let peer = server.peers().remove(0);
    let call = peer.call::<String>("your_name", ()).no_timeout().await;
    let Err(CallError::Closed { reason, .. }) = call else { panic!("{call:?}") };
    assert_eq!(reason.to_string(), "link lost: no sign of life");
    assert_eq!(soon(peer.closed()).await, reason);
    drop(raw);
}

#[tokio::test]
async fn who_answers_pings_may_be_silent() {
    let short = |limits: &mut rpc_core::Limits| {
        limits.ping = Duration::from_millis(20);
        limits.dead_after = Duration::from_secs(10);
    };
    let server = spawn(echo().limits(limits(short))).await;
    let client = Client::builder().keepalive(false).connect(&server.url()).await.unwrap();
    let mut raw = Raw::open(&server).await;
    for _ in 0..3 {
        let (opcode, payload) = raw.frame().await.unwrap();
        assert_eq!(opcode, 9, "a ping");
        raw.send(frame(10, &payload)).await;
    }
    assert_eq!(client.peer().call::<String>("echo", ("hi",)).await.unwrap(), "hi");
}

#[tokio::test]
async fn who_does_not_read_is_given_up() {
    let short = limits(|limits| {
        limits.queue = 64 * 1024;
        limits.slow_reader = Duration::from_millis(100);
        limits.close = Duration::from_millis(100);
    });
    let flood = |_: Context, (): ()| async { Ok("x".repeat(512 * 1024)) };
    let router = Router::new().method("flood", flood);
    let server = spawn(Server::builder().limits(short).service(router)).await;
    let mut raw = Raw::open(&server).await;
    let peer = server.peers().remove(0);
    for id in 0..32 {
        raw.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"flood"}}"#)).await;
    }
    let reason = soon(peer.closed()).await;
    assert_eq!((reason.by, reason.code), (ClosedBy::Us, Some(CloseCode::SLOW_READER)));
    assert_eq!(server.stats().closes["4008"], 1);
}

#[tokio::test]
async fn what_a_connection_counted_outlives_it() {
    let server = spawn(echo()).await;
    let mut raw = Raw::open(&server).await;
    raw.send_text("{").await;
    assert!(raw.text().await.contains("-32700"));
    raw.send_text(r#"{"jsonrpc":"2.0","id":7,"result":1}"#).await;
    raw.send_text(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"for nobody"}}"#).await;
    until(|| server.stats().unaddressed == 1).await;
    assert_eq!((server.stats().connections, server.stats().stray), (1, 1));
    drop(raw);
    until(|| server.stats().connections == 0).await;
    until(|| server.stats().malformed == 1).await;
    assert_eq!((server.stats().stray, server.stats().unaddressed), (1, 1));
    assert_eq!(server.stats().closes["lost"], 1);
}
