//! Seats of a full server, and the pool of links that may resume.

use std::time::{Duration, Instant};

use rpc_core::Limits;
use serde_json::json;

use crate::session::{ANNOUNCE, greet, shake};
use crate::support::{Raw, soon, spawn, until};
use crate::{Session, announced, away, begin, sessions};

async fn status(server: &rpc_server::Server, headers: &str) -> (Raw, String) {
    let mut raw = Raw::connect(server).await;
    let head = shake(&mut raw, headers).await;
    (raw, head)
}

#[tokio::test]
async fn a_resume_needs_no_seat() {
    let server = spawn(sessions(|limits| limits.connections = 1)).await;
    let (mut session, _) = away(&server).await;
    let (_, head) = status(&server, "").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    session.resume(announced(&server).await).await;
    session.echoes("back").await;
    // Nor does one that takes over.
    session.resume(announced(&server).await).await;
    session.echoes("again").await;
    // A refused one does, and there is none.
    let mut raw = announced(&server).await;
    let hello = json!({ "token": "abc.def", "attempt": 1, "received": 0 });
    let params = json!({ "duplex": 1, "session": hello });
    let hello = json!({ "jsonrpc": "2.0", "method": "$/hello", "params": params });
    raw.send_text(&hello.to_string()).await;
    assert_eq!(raw.close_frame().await.0, 1013);
    raw.shutdown().await;
    session.echoes("untouched").await;
    session.close(1000).await;
    until(|| server.peers().is_empty()).await;
    // The seat of the session is free.
    drop(begin(&server).await);
    assert!(server.stats().sessions.evicted.is_empty());
}

/// The client of a session that has just lost its link may be on its way back.
async fn a_new_connection_takes_a_seat_after_ten_seconds(
    limit: &'static str,
    full: &str,
    change: impl FnOnce(&mut Limits),
) {
    let server = spawn(sessions(change)).await;
    let _up = begin(&server).await;
    let begun = Instant::now();
    let (mut session, peer) = away(&server).await;
    let mut raw = loop {
        let (raw, head) = status(&server, "").await;
        if head.starts_with("HTTP/1.1 101 ") {
            break raw;
        }
        assert!(head.starts_with(full), "{head}");
        assert!(!peer.is_closed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(begun.elapsed() >= Duration::from_secs(10), "{:?}", begun.elapsed());
    let closed = peer.closed().await.to_string();
    assert_eq!(closed, "link lost: too many sessions are without a link");
    raw.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    assert_eq!(raw.text().await, r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#);
    let sessions = server.stats().sessions;
    assert_eq!((sessions.up, sessions.away, sessions.evicted), (1, 0, [(limit, 1)].into()));
    // Another one finds none: the rest are up.
    let (_, head) = status(&server, "").await;
    assert!(head.starts_with(full), "{head}");
    // The session is no more. Its client learns how far it was read, and no reason.
    raw.shutdown().await;
    until(|| server.peers().len() == 1).await;
    let (_, said) = session.ask(announced(&server).await).await;
    assert_eq!((&said["refused"], &said["received"]), (&json!("unknown"), &json!(0)), "{said}");
    assert_eq!(said.get("code"), None, "{said}");
}

#[tokio::test]
async fn a_new_connection_takes_the_seat_of_a_session_that_was_away_for_ten_seconds() {
    let change = |limits: &mut Limits| limits.connections = 2;
    a_new_connection_takes_a_seat_after_ten_seconds("connections", "HTTP/1.1 503 ", change).await;
}

#[tokio::test]
async fn so_does_a_new_connection_of_an_address_that_has_as_many_as_it_may_have() {
    let limit = "connections_per_address";
    let change = |limits: &mut Limits| limits.connections_per_address = 2;
    a_new_connection_takes_a_seat_after_ten_seconds(limit, "HTTP/1.1 429 ", change).await;
}

#[tokio::test]
async fn links_that_announce_a_resume_have_a_pool_of_their_own() {
    let server = spawn(sessions(|limits| limits.resuming = 2)).await;
    let (mut session, _) = away(&server).await;
    let waiting = [announced(&server).await, announced(&server).await];
    let (_, head) = status(&server, ANNOUNCE).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(head.to_lowercase().contains("retry-after: 1\r\n"), "{head}");
    // Others have their seats, and the pool is free when its links have said what they want.
    begin(&server).await.echoes("hi").await;
    let [one, mut other] = waiting;
    one.reset();
    let said = greet(&mut other, json!({ "token": "abc.def" })).await;
    assert_eq!(said["refused"], "unknown", "{said}");
    let raw = loop {
        let (raw, head) = status(&server, ANNOUNCE).await;
        if head.starts_with("HTTP/1.1 101 ") {
            break raw;
        }
    };
    session.resume(raw).await;
    session.echoes("back").await;
}

#[tokio::test]
async fn a_link_that_announces_a_resume_and_says_nothing_is_closed() {
    let server = spawn(sessions(|limits| {
        limits.handshake = Duration::from_millis(200);
        limits.resuming = 1;
    }))
    .await;
    let mut raw = announced(&server).await;
    assert!(server.peers().is_empty(), "it is nobody's peer");
    assert_eq!(raw.close_frame().await, (1008, "no message came within `handshake`".into()));
    raw.shutdown().await;
    assert!(soon(raw.ended()).await);
    until(|| server.peers().is_empty()).await;
    Session::begin(announced(&server).await).await.echoes("the pool is free").await;
}

/// Each guess at a token costs a handshake, so the rate counts them.
#[tokio::test]
async fn the_rate_of_an_address_counts_links_that_announce_a_resume() {
    let server = spawn(sessions(|limits| limits.connect_rate_per_address = 3)).await;
    for _ in 0..3 {
        announced(&server).await.reset();
    }
    let (_, head) = status(&server, ANNOUNCE).await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
}

/// The session has its place already. Who is refused needs one of its own.
#[tokio::test]
async fn a_resume_needs_no_place_of_its_address() {
    let server = spawn(sessions(|limits| limits.connections_per_address = 1)).await;
    let (mut session, _) = away(&server).await;
    let (_, head) = status(&server, "").await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    session.resume(announced(&server).await).await;
    session.echoes("back").await;
    let mut raw = announced(&server).await;
    raw.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    assert_eq!(raw.close_frame().await.0, 1013);
    raw.shutdown().await;
    session.close(1000).await;
    until(|| server.peers().is_empty()).await;
    // The place is free, also for one that announced a resume while it was taken.
    let one = loop {
        let (raw, head) = status(&server, "").await;
        if head.starts_with("HTTP/1.1 101 ") {
            break raw;
        }
    };
    let mut raw = announced(&server).await;
    one.reset();
    until(|| server.peers().is_empty()).await;
    raw.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    assert_eq!(raw.text().await, r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#);
    let (_, head) = status(&server, "").await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
}
