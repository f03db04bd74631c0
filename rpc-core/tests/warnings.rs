//! What the log warns of: once, in one line, and with nothing in it that the other end could forge.

mod support;

use std::time::Duration;

use bytes::Bytes;
use rpc_core::transport::{Endpoint, EndpointConfig, OnForeign, Role, WebSocket};
use rpc_core::{CloseCode, Limits, Router};
use support::Raw;
use support::warnings::Warnings;
use tokio::io::AsyncWriteExt;

#[tokio::test(start_paused = true)]
async fn of_what_is_foreign_the_first_is_told_of_unless_it_is_heard() {
    let (warnings, _guard) = Warnings::here();
    let (mut raw, _peer) = Raw::connect_to_opener(Router::new(), Limits::client());
    raw.send("{\"event\":\"a\nforged line\"}").await;
    raw.send("{\"event\":2}").await;
    assert!(raw.is_silent().await);
    let told = warnings.with("no JSON-RPC");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(r#"{\"event\":\"a\nforged line\"}"#), "{told:?}");
    let config = EndpointConfig::new(Router::new(), Limits::client()).with(|config| {
        config.answers_malformed = false;
        config.on_foreign = Some(OnForeign::new(|_| {}));
    });
    let (mut raw, _peer) = Raw::connect_as(config, 64 * 1024);
    raw.send("{\"event\":3}").await;
    assert!(raw.is_silent().await);
    assert_eq!(warnings.with("no JSON-RPC").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_without_an_id_is_told_of_once() {
    let (warnings, _guard) = Warnings::here();
    let (mut raw, _peer) = Raw::connect(Router::new(), Limits::client());
    for _ in 0..3 {
        raw.send(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-5,"message":"a\nline"}}"#).await;
    }
    assert!(raw.is_silent().await);
    let told = warnings.with("under no id");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("code=-5") && told[0].contains(r"a\nline"), "{told:?}");
}

/// Kodi does so; what to set is named.
#[tokio::test(start_paused = true)]
async fn a_pong_that_comes_as_text_is_told_of() {
    let (warnings, _guard) = Warnings::here();
    for (seconds, told) in [(1, 0), (25, 1)] {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let limits = Limits::client();
        let near = WebSocket::new(near, Role::Client, Bytes::new(), &limits);
        let endpoint = Endpoint::new(EndpointConfig::new(Router::new(), limits));
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(near));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        far.write_all(&[0x81, 2, 0x8a, 0]).await.unwrap();
        drop(far);
        assert_eq!(peer.closed().await.code, Some(CloseCode::INVALID_TEXT));
        assert_eq!(warnings.with("set `keepalive` to false").len(), told, "only behind a ping");
    }
}
