//! Clients that know less than the standards have, and the settings for them.

mod support;

use rpc_server::Connecting;
use support::{BINARY, HANDSHAKE, Raw, echo, frame, spawn};

#[tokio::test]
async fn a_client_that_sends_binary_is_answered_by_text() {
    let server = spawn(echo()).await;
    let mut raw = Raw::open(&server).await;
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["é"]}"#;
    raw.send(frame(BINARY, request.as_bytes())).await;
    assert_eq!(raw.text().await, r#"{"jsonrpc":"2.0","id":1,"result":"é"}"#);
}

#[tokio::test]
async fn a_client_that_knows_no_continuation_gets_whole_frames() {
    let server = spawn(echo().whole_frames(true)).await;
    let mut raw = Raw::open(&server).await;
    let text = "x".repeat(300_000);
    raw.send_text(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":["{text}"]}}"#))
        .await;
    let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{text}"}}"#);
    assert!(raw.text().await == answer, "the first frame is the message");
}

#[tokio::test]
async fn a_client_that_sends_no_jsonrpc_is_served_by_setting_on_a_websocket_and_by_post() {
    let request = r#"{"id":1,"method":"echo","params":["hi"]}"#;
    let post = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{request}",
        request.len()
    );
    for (optional, expected) in
        [(true, r#""result":"hi"}"#), (false, r#"`jsonrpc` is missing, it must be \"2.0\""}}"#)]
    {
        let server = spawn(echo().jsonrpc_optional(optional)).await;
        let mut raw = Raw::open(&server).await;
        raw.send_text(request).await;
        let answer = raw.text().await;
        assert!(answer.ends_with(expected), "{answer}");
        let mut raw = Raw::connect(&server).await;
        raw.send(&post).await;
        let answer = raw.rest().await;
        assert!(answer.ends_with(expected), "{answer}");
    }
}

#[tokio::test]
async fn on_connect_may_make_such_settings_for_one_connection() {
    let server = spawn(echo().on_connect(|connecting: Connecting| {
        if connecting.header("x-old").is_some() {
            connecting.whole_frames();
            connecting.jsonrpc_optional();
        }
        std::future::ready(Ok(()))
    }))
    .await;
    let text = "x".repeat(100_000);
    let request = format!(r#""id":1,"method":"echo","params":["{text}"]}}"#);
    let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{text}"}}"#);
    let mut old = Raw::connect(&server).await;
    old.send(HANDSHAKE.replace("Host:", "X-Old: 1\r\nHost:")).await;
    assert!(old.head().await.starts_with("HTTP/1.1 101 "));
    old.send_text(&format!("{{{request}")).await;
    assert!(old.text().await == answer, "the first frame is the message");

    let mut other = Raw::open(&server).await;
    other.send_text(r#"{"id":1,"method":"echo","params":["hi"]}"#).await;
    assert!(other.text().await.contains("`jsonrpc` is missing"));
    other.send_text(&format!(r#"{{"jsonrpc":"2.0",{request}"#)).await;
    assert!(other.text().await.len() < answer.len(), "the first frame is a fragment");
}
