//! Counts that are false, and a client that acknowledges nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::session::greet;
use crate::support::{Raw, spawn, until};
use crate::{announced, begin, cut, sessions};

fn false_counts() -> Vec<Value> {
    let texts = ["1", "4", "-1", "18446744073709551615", "1e400", "2.5", "\"2\"", "null", "[]"];
    texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

/// Two messages were sent and one is acknowledged, so 1 is not false.
async fn with_two_sent(server: &rpc_server::Server) -> crate::Session {
    let mut session = begin(server).await;
    session.echoes("one").await;
    session.echoes("two").await;
    session.ack(2).await;
    session.echoes("three").await;
    session
}

#[tokio::test]
async fn false_counts_of_a_resume_end_the_session() {
    let server = spawn(sessions(|_| {})).await;
    for received in false_counts() {
        for is_away in [true, false] {
            let mut session = with_two_sent(&server).await;
            let peer = server.peers().pop().unwrap();
            if is_away {
                session = cut(&server, session).await;
            }
            let asks = json!({ "token": session.token, "attempt": 1, "received": received });
            let mut raw = announced(&server).await;
            let said = greet(&mut raw, asks).await;
            assert_eq!(said["refused"], "counts", "{received}: {said}");
            if !is_away {
                assert_eq!(session.raw.close_frame().await.0, 1002, "{received}");
                session.raw.shutdown().await;
            }
            let reason = crate::soon(peer.closed()).await;
            assert_eq!(reason.code.map(|code| code.value()), Some(1002), "{received}");
            // It is told what became of it from then on.
            let (mut again, said) = session.ask(announced(&server).await).await;
            assert_eq!(
                (&said["refused"], &said["code"]),
                (&json!("ended"), &json!(1002)),
                "{said}"
            );
            assert_eq!(said["received"], 3, "{said}");
            for raw in [&mut raw, &mut again] {
                raw.shutdown().await;
            }
            until(|| server.peers().is_empty()).await;
        }
    }
}

/// Also false while the link works. What is below the last one is only stray.
#[tokio::test]
async fn false_acknowledgements_close_the_link_and_end_the_session() {
    let server = spawn(sessions(|_| {})).await;
    for n in false_counts().into_iter().filter(|n| *n != json!(1)) {
        let mut session = with_two_sent(&server).await;
        session.ack(n.clone()).await;
        assert_eq!(session.raw.close_frame().await.0, 1002, "{n}");
        drop(session);
        until(|| server.peers().is_empty()).await;
    }
    let mut session = with_two_sent(&server).await;
    session.ack(1).await;
    session.ack(3).await;
    session.echoes("four").await;
    assert_eq!(server.stats().sessions.up, 1);
}

#[tokio::test]
async fn who_acknowledges_nothing_loses_the_session() {
    let server = spawn(sessions(|limits| {
        limits.ack_after = Duration::from_millis(50);
        limits.ack_within = Duration::from_millis(100);
    }))
    .await;
    let mut session = begin(&server).await;
    session.echoes("one").await;
    let (code, reason) = session.raw.close_frame().await;
    assert_eq!((code, &*reason), (4008, "acknowledges nothing"));
    until(|| server.peers().is_empty()).await;
    let mut idle = begin(&server).await;
    let mut plain = Raw::open(&server).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    plain.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    plain.text().await;
    idle.echoes("nothing was left to be acknowledged").await;
}

/// The server acknowledges in time, and a quarter of the buffer at once.
#[tokio::test]
async fn the_server_acknowledges_what_it_has_taken_in() {
    let server = spawn(sessions(|limits| limits.ack_after = Duration::from_millis(50))).await;
    let mut session = begin(&server).await;
    session.echoes("one").await;
    assert_eq!(session.raw.text().await, r#"{"jsonrpc":"2.0","method":"$/ack","params":{"n":1}}"#);

    let server = spawn(sessions(|limits| {
        limits.ack_after = Duration::from_secs(3600);
        limits.ack_within = Duration::from_secs(7200);
    }))
    .await;
    let mut session = begin(&server).await;
    let note = json!({ "jsonrpc": "2.0", "method": "note", "params": ["x".repeat(70_000)] });
    session.raw.send_text(&note.to_string()).await;
    assert_eq!(session.raw.text().await, r#"{"jsonrpc":"2.0","method":"$/ack","params":{"n":1}}"#);
}
