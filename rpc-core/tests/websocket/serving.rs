//! An end at work, and the stream to it.

use std::future::poll_fn;
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{Context, Peer, Router};
use tokio::io::DuplexStream;

use super::far::*;

/// An end that serves `echo`, and the stream to it.
pub(crate) fn connect(role: Role, limits: Limits) -> (Peer, DuplexStream) {
    connect_as(role, limits, |_| {})
}

/// The same with other settings.
pub(crate) fn connect_as(
    role: Role,
    limits: Limits,
    set: impl FnOnce(&mut EndpointConfig),
) -> (Peer, DuplexStream) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let near = WebSocket::new(near, role, Bytes::new(), &limits);
    let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
    let mut config = EndpointConfig::new(Router::new().method("echo", echo), limits);
    set(&mut config);
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    (peer, far)
}

/// The other end, as a WebSocket; `role` is ours.
pub(crate) fn other(role: Role, far: DuplexStream) -> WebSocket<DuplexStream> {
    let role = if role == Role::Server { Role::Client } else { Role::Server };
    WebSocket::new(far, role, Bytes::new(), &Limits::client())
}

/// The text of the next message, or how the link ended.
pub(crate) async fn receive(far: &mut WebSocket<DuplexStream>) -> Result<String, String> {
    let next = poll_fn(|cx| far.poll_receive(cx, usize::MAX));
    match tokio::time::timeout(Duration::from_secs(60), next).await.expect("something comes") {
        Received::Text => Ok(String::from_utf8(far.message().to_owned()).unwrap()),
        Received::Binary => panic!("not text: {:?}", far.message()),
        Received::Closed { code, reason } => Err(format!("{code:?} {reason}")),
        _ => panic!("the link was lost"),
    }
}

/// Checks that the end answers.
pub(crate) async fn lives(far: &mut WebSocket<DuplexStream>) {
    far.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["yes"]}"#.into()).unwrap();
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
    assert!(receive(far).await.unwrap().contains("yes"));
}
