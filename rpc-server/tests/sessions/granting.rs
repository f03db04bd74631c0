//! Which client gets a session, and when the session is kept.

use serde_json::{Value, json};

use crate::session::greet;
use crate::support::{CLOSE, Raw, echo, frame, spawn, until};
use crate::{Session, announced, begin, sessions};

#[tokio::test]
async fn the_hello_of_the_server_grants_the_session() {
    let server = spawn(sessions(|limits| {
        limits.session_keep = std::time::Duration::from_secs(90);
        limits.away_bytes = 100_000;
    }))
    .await;
    let mut raw = Raw::open(&server).await;
    let said = greet(&mut raw, json!({})).await;
    let token = said["token"].as_str().unwrap();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    assert!((22..=256).contains(&token.len()) && token.bytes().all(is_plain), "{token}");
    let expected = json!({ "token": token, "keepMs": 90_000, "buffer": 100_000, "spreadMs": 250 });
    assert_eq!(said, expected);
    assert_eq!(server.stats().sessions.up, 1);

    let mut raw = Raw::open(&server).await;
    let said = greet(&mut raw, json!({ "keepMs": 5000, "buffer": 1 })).await;
    assert_eq!((&said["keepMs"], server.stats().sessions.up), (&json!(5000), 2));
}

#[tokio::test]
async fn who_does_not_ask_gets_none_and_a_server_without_sessions_grants_none() {
    let (with, without) = (spawn(sessions(|_| {})).await, spawn(echo()).await);
    for (server, session) in [(&with, Value::Null), (&without, json!({}))] {
        let mut raw = Raw::open(server).await;
        assert_eq!(greet(&mut raw, session).await, Value::Null);
        assert_eq!(server.stats().sessions.up, 0);
        raw.reset();
        until(|| server.peers().is_empty()).await;
    }
}

/// Neither end could know that the other one has the token.
#[tokio::test]
async fn a_session_whose_token_was_not_acknowledged_ends_with_its_link() {
    let server = spawn(sessions(|_| {})).await;
    let mut raw = Raw::open(&server).await;
    let said = greet(&mut raw, json!({})).await;
    raw.reset();
    until(|| server.peers().is_empty()).await;
    let asks = json!({ "token": said["token"], "attempt": 1, "received": 0 });
    let said = greet(&mut announced(&server).await, asks).await;
    assert_eq!(said["refused"], "unknown", "{said}");
}

#[tokio::test]
async fn a_close_frame_ends_the_session_unless_it_gives_up_the_link() {
    let server = spawn(sessions(|_| {})).await;
    for code in [1000, 1001, 1011, 3000, 4000] {
        let mut session = begin(&server).await;
        session.close(code).await;
        until(|| server.peers().is_empty()).await;
        let (_, said) = session.ask(announced(&server).await).await;
        assert_eq!(said["refused"], "unknown", "{code}: {said}");
        until(|| server.peers().is_empty()).await;
    }
    let mut session = begin(&server).await;
    session.close(4410).await;
    until(|| server.stats().sessions.away == 1).await;
    session.resume(announced(&server).await).await;
    session.echoes("back").await;
    // Without a code it is a close as well.
    let Session { mut raw, .. } = session;
    raw.send(frame(CLOSE, &[])).await;
    until(|| server.peers().is_empty()).await;
}
