//! The end of a session that is away.

use std::sync::Arc;

use rpc_core::{CloseCode, Link};
use serde_json::json;

use crate::support::{TEXT, frame, spawn, until};
use crate::{announced, away, cut, sessions};

#[tokio::test]
async fn a_session_that_is_away_is_found_and_kicked() {
    let server = spawn(sessions(|_| {})).await;
    for by_server in [true, false] {
        let (session, peer) = away(&server).await;
        assert_eq!(server.peers(), std::slice::from_ref(&peer));
        assert_eq!(server.peer(peer.id()), Some(peer.clone()));
        let Link::Away { elapsed, .. } = peer.link() else { panic!("it is away") };
        until(|| matches!(peer.link(), Link::Away { elapsed: now, .. } if now > elapsed)).await;
        assert_eq!((server.stats().connections, server.stats().sessions.away), (1, 1));
        let (code, reason) = (CloseCode::FORBIDDEN, "out with you");
        if by_server {
            assert_eq!(server.kick(|_| true, code, reason), 1);
        } else {
            peer.kick(code, reason);
        }
        let ended = crate::soon(peer.closed()).await;
        assert_eq!((ended.code, &*ended.reason), (Some(code), reason));
        until(|| server.peers().is_empty()).await;
        assert_eq!(server.stats().sessions.away, 0);
        let mut session = session;
        // What ended is told for as long as it is remembered, and a fresh session begins on the link.
        for _ in 0..2 {
            let (raw, said) = session.ask(announced(&server).await).await;
            assert_eq!(said["refused"], "ended", "{said}");
            assert_eq!((&said["code"], &said["reason"]), (&json!(4403), &json!(reason)), "{said}");
            assert_eq!(said["received"], 0, "{said}");
            let token = said["token"].as_str().unwrap().to_owned();
            let mut fresh = crate::Session { raw, token, attempt: 0, received: 0 };
            fresh.ack(0).await;
            fresh.echoes("fresh").await;
            fresh.close(1000).await;
            until(|| server.peers().is_empty()).await;
        }
    }
    assert_eq!(server.stats().sessions.refused["ended"], 4);
}

/// The server has closed the link, and the client has not heard of it.
#[tokio::test]
async fn who_was_closed_while_the_link_worked_is_told_as_well() {
    let server = spawn(sessions(|_| {})).await;
    let mut session = crate::begin(&server).await;
    session.echoes("one").await;
    server.peers()[0].close(CloseCode::new(4000), "enough");
    assert_eq!(session.raw.close_frame().await, (4000, "enough".into()));
    session.raw.shutdown().await;
    until(|| server.peers().is_empty()).await;
    let (_, said) = session.ask(announced(&server).await).await;
    assert_eq!((&said["refused"], &said["code"]), (&json!("ended"), &json!(4000)), "{said}");
    assert_eq!(said["received"], 1, "{said}");
}

/// The server reads both messages in one turn. If the first one was not counted, the client would send it again.
#[tokio::test]
async fn what_was_taken_in_right_before_a_message_that_ends_the_session_is_told() {
    let server = spawn(sessions(|limits| limits.message_in = 1000)).await;
    let mut session = crate::begin(&server).await;
    let note = br#"{"jsonrpc":"2.0","method":"note"}"#;
    session.raw.send([frame(TEXT, note), frame(TEXT, &[b' '; 1001])].concat()).await;
    assert_eq!(session.raw.close_frame().await.0, 1009);
    session.raw.shutdown().await;
    until(|| server.peers().is_empty()).await;
    let (_, said) = session.ask(announced(&server).await).await;
    assert_eq!((&said["refused"], &said["code"]), (&json!("ended"), &json!(1009)), "{said}");
    assert_eq!(said["received"], 1, "{said}");
}

/// Who does not have the token learns nothing of it.
#[tokio::test]
async fn a_guess_at_the_token_of_an_ended_session_is_unknown() {
    let server = spawn(sessions(|_| {})).await;
    let (mut session, peer) = away(&server).await;
    peer.kick(CloseCode::FORBIDDEN, "secret");
    until(|| server.peers().is_empty()).await;
    let lookup = session.token.split_once('.').unwrap().0.to_owned();
    let token = std::mem::replace(&mut session.token, format!("{lookup}.{}", "0".repeat(32)));
    let (_, said) = session.ask(announced(&server).await).await;
    assert!(said["refused"] == "unknown" && said["received"].is_null(), "{said}");
    assert!(!said.to_string().contains("secret"), "{said}");
    session.token = token;
    let (_, said) = session.ask(announced(&server).await).await;
    assert_eq!(said["refused"], "ended", "{said}");
}

/// The handler is stopped when the session ends, not when its link is lost.
#[tokio::test]
async fn handlers_run_on_while_the_session_is_away() {
    use rpc_core::{Context, Router};
    let hang = Router::new().method("hang", |_: Context, (): ()| async {
        std::future::pending::<Result<(), _>>().await
    });
    let server = spawn(sessions(|_| {}).service(hang)).await;
    let mut session = crate::begin(&server).await;
    session.call(1, "hang", json!([])).await;
    cut(&server, session).await;
    assert_eq!(server.stats().in_flight, 1);
    server.peers()[0].close(CloseCode::NORMAL, "");
    until(|| server.stats().in_flight == 0).await;
}

/// What a client may still ask about a session does not keep the values of the session.
#[tokio::test]
async fn values_go_with_the_session_when_on_disconnect_has_run() {
    let value = Arc::new(());
    let server = spawn(sessions(|_| {}).on_disconnect(|peer: rpc_core::Peer, _| {
        peer.value::<Arc<()>>().expect("it is still there");
        async {}
    }))
    .await;
    let (mut session, peer) = away(&server).await;
    peer.set_value(value.clone());
    peer.kick(CloseCode::FORBIDDEN, "out");
    drop(peer);
    until(|| Arc::strong_count(&value) == 1).await;
    let (_, said) = session.ask(announced(&server).await).await;
    assert_eq!(said["refused"], "ended", "{said}");
}
