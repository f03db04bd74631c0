//! Groups with members that are away.

use rpc_core::{CloseCode, Peer};
use serde_json::json;

use crate::support::{soon, spawn, until};
use crate::{announced, begin, cut, sessions};

const ROOM: usize = 20_000;

/// A push of 1,000 bytes counts 128 more.
fn push(n: usize) -> String {
    format!("{n:04}{}", "x".repeat(996))
}

async fn member(server: &rpc_server::Server) -> (crate::Session, Peer) {
    let session = begin(server).await;
    let peer = server.peers().pop().unwrap();
    peer.join_group("room").unwrap();
    (session, peer)
}

#[tokio::test]
async fn pushes_to_a_member_that_is_away_are_kept() {
    let server = spawn(sessions(|limits| limits.away_bytes = ROOM)).await;
    let (session, _) = member(&server).await;
    let mut session = cut(&server, session).await;
    for n in 0..10 {
        assert_eq!(server.group("room").notify("note", (push(n),)).await, Ok(1));
    }
    until(|| server.stats().sessions.away_bytes >= 10 * 1128).await;
    session.resume(announced(&server).await).await;
    for n in 0..10 {
        assert_eq!(session.next().await["params"], json!([push(n)]));
    }
    session.echoes("no more").await;
    assert_eq!(server.stats().sessions.away_bytes, 0);
}

/// The publisher never waits, and others get theirs.
#[tokio::test]
async fn a_member_without_room_is_closed() {
    let server = spawn(sessions(|limits| limits.away_bytes = ROOM)).await;
    let (session, peer) = member(&server).await;
    let mut session = cut(&server, session).await;
    let (mut other, _) = member(&server).await;
    let mut pushed = 0;
    while !peer.is_closed() && pushed < 100 {
        let _ = server.group("room").notify("note", (push(pushed),)).await;
        assert_eq!(other.next().await["params"], json!([push(pushed)]));
        other.ack(other.received).await;
        pushed += 1;
    }
    let closed = soon(peer.closed()).await;
    assert_eq!(closed.code, Some(CloseCode::SLOW_READER), "{closed:?}");
    assert!((ROOM / 1200..=ROOM / 1000 + 2).contains(&pushed), "{pushed}");
    until(|| server.stats().sessions.away == 0).await;
    let (_raw, said) = session.ask(announced(&server).await).await;
    assert_eq!((&said["refused"], &said["code"]), (&json!("ended"), &json!(4008)), "{said}");
    assert_eq!(server.group("room").members().len(), 1);
}

#[tokio::test]
async fn a_group_that_drops_keeps_the_member_and_counts() {
    let server = spawn(sessions(|limits| limits.away_bytes = ROOM)).await;
    let (session, peer) = member(&server).await;
    let mut session = cut(&server, session).await;
    for n in 0..100 {
        server.group("room").dropping().notify("note", (push(n),)).await.unwrap();
    }
    let dropped = peer.stats().counters.dropped as usize;
    assert!((100 - ROOM / 1000..100 - ROOM / 1300).contains(&dropped), "{dropped}");
    assert!(!peer.is_closed());
    assert!(server.stats().sessions.away_bytes <= ROOM + 1200);
    session.resume(announced(&server).await).await;
    for n in 0..100 - dropped {
        assert_eq!(session.next().await["params"], json!([push(n)]));
    }
    session.echoes("no more").await;
}
