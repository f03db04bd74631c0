//! Which token is good, and for how long.

use serde_json::{Value, json};

use crate::session::greet;
use crate::support::{Raw, spawn, until};
use crate::{announced, away, begin, sessions};

/// Until the client has acknowledged the successor, the token before is good as well.
#[tokio::test]
async fn a_token_is_good_until_its_successor_is_acknowledged() {
    let server = spawn(sessions(|_| {})).await;
    let (mut session, peer) = away(&server).await;
    let first = session.token.clone();
    // The hello that resumes is lost, or the link breaks behind it, each time.
    for _ in 0..3 {
        session.token.clone_from(&first);
        let (_, said) = session.ask(announced(&server).await).await;
        assert_eq!(said["resumed"], true, "{said}");
        assert_ne!(said["token"], *first);
    }
    session.resume(announced(&server).await).await;
    session.echoes("the acknowledgement has arrived").await;

    let second = std::mem::replace(&mut session.token, first);
    let (_raw, said) = session.ask(announced(&server).await).await;
    assert_eq!(said["refused"], "unknown", "{said}");
    // That touches nothing.
    session.echoes("still here").await;
    session.token = second;
    session.resume(announced(&server).await).await;
    session.echoes("and again").await;
    assert_eq!(server.peers()[0], peer);
    assert_eq!(server.stats().sessions.refused["unknown"], 1);
}

#[tokio::test]
async fn an_attempt_that_is_not_above_the_last_one_is_refused_and_touches_nothing() {
    let server = spawn(sessions(|_| {})).await;
    let mut session = begin(&server).await;
    session.attempt = 6;
    session.resume(announced(&server).await).await;
    let attempts =
        [json!(7), json!(1), json!(0), json!(-1), json!(1u64 << 54), json!("8"), Value::Null];
    for attempt in attempts {
        let asks = json!({ "token": session.token, "attempt": attempt, "received": 0 });
        let said = greet(&mut announced(&server).await, asks).await;
        assert_eq!(said["refused"], "unknown", "{attempt}: {said}");
        session.echoes("untouched").await;
    }
    session.resume(announced(&server).await).await;
    session.echoes("attempt 8").await;
}

/// The handshake must have told what is to come.
#[tokio::test]
async fn a_token_on_a_link_that_has_not_announced_it_is_not_looked_at() {
    let server = spawn(sessions(|_| {})).await;
    let mut session = begin(&server).await;
    for token in [json!(session.token), json!(7), json!([]), json!("")] {
        let asks = json!({ "token": token, "attempt": 1, "received": 0 });
        let said = greet(&mut Raw::open(&server).await, asks).await;
        assert_eq!(said["refused"], "unknown", "{said}");
    }
    // Nor is one behind the first message.
    let mut raw = announced(&server).await;
    raw.send_text(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}"#).await;
    raw.text().await;
    let asks = session.asks();
    let said = greet(&mut raw, asks).await;
    assert_eq!(said["refused"], "unknown", "{said}");
    session.echoes("untouched").await;
    session.resume(announced(&server).await).await;
}

#[tokio::test]
async fn who_guesses_gets_a_session_of_its_own() {
    let server = spawn(sessions(|_| {})).await;
    let mut session = begin(&server).await;
    let (lookup, secret) = session.token.split_once('.').unwrap();
    let guesses = [
        format!("{lookup}.{}", "0".repeat(32)),
        format!("{lookup}.{}", secret.to_uppercase()),
        format!("{lookup}.{secret}0"),
        format!("{lookup}."),
        lookup.to_owned(),
        format!(".{secret}"),
        format!("nobody.{secret}"),
        "x".repeat(100_000),
        String::new(),
    ];
    for guess in guesses.iter().filter(|guess| **guess != session.token) {
        let asks = json!({ "token": guess, "attempt": 1, "received": 0 });
        let mut raw = announced(&server).await;
        let said = greet(&mut raw, asks).await;
        assert_eq!(
            (&said["refused"], &said["received"]),
            (&json!("unknown"), &Value::Null),
            "{guess}"
        );
        assert!(said["token"].is_string() && said["code"].is_null(), "{said}");
    }
    session.echoes("untouched").await;
    session.resume(announced(&server).await).await;
}

/// With the server ends what it knows.
#[tokio::test]
async fn a_session_that_was_kept_for_its_time_is_forgotten() {
    let keep =
        |limits: &mut rpc_core::Limits| limits.session_keep = std::time::Duration::from_millis(100);
    let server = spawn(sessions(keep)).await;
    let mut session = begin(&server).await;
    let peer = server.peers().pop().unwrap();
    session.raw.shutdown().await;
    let reason = crate::soon(peer.closed()).await;
    assert_eq!(reason.code, None, "{reason:?}");
    until(|| server.peers().is_empty()).await;
    let (_, said) = session.ask(announced(&server).await).await;
    assert_eq!(said["refused"], "unknown", "{said}");
    assert_eq!(server.stats().sessions.away, 0);
}
