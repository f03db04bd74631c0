//! Control frames that nobody asked for may not come too fast.

use std::future::poll_fn;
use std::time::Duration;

use rpc_core::{Context, Endpoint, Peer, Router, Setup};
use tokio::io::DuplexStream;

use super::far::*;

const REASON: &str = "more control frames than `control_rate`";

/// An end that serves `echo`, and the stream to it.
fn connect(role: Role, limits: Limits) -> (Peer, DuplexStream) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let near = WebSocket::new(near, role, Bytes::new(), &limits);
    let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
    let endpoint = Endpoint::new(Setup::new(Router::new().method("echo", echo), limits));
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    (peer, far)
}

fn other(role: Role, far: DuplexStream) -> WebSocket<DuplexStream> {
    let role = if role == Role::Server { Role::Client } else { Role::Server };
    WebSocket::new(far, role, Bytes::new(), &Limits::client())
}

/// The text of the next message, or how the link ended.
async fn receive(far: &mut WebSocket<DuplexStream>) -> Result<String, String> {
    let next = poll_fn(|cx| far.poll_receive(cx, usize::MAX));
    match tokio::time::timeout(Duration::from_secs(60), next).await.expect("something comes") {
        Received::Text(text) => Ok(text.as_ref().to_owned()),
        Received::Closed { code, reason } => Err(format!("{code:?} {reason}")),
        Received::Failed(error) => panic!("{error:?}"),
    }
}

async fn pings(far: &mut WebSocket<DuplexStream>, count: usize) {
    for _ in 0..count {
        far.ping().unwrap();
    }
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
}

async fn lives(far: &mut WebSocket<DuplexStream>) {
    far.send(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["yes"]}"#.into()).unwrap();
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
    assert!(receive(far).await.unwrap().contains("yes"));
}

#[tokio::test(start_paused = true)]
async fn pings_faster_than_their_rate_close_the_connection_in_both_roles() {
    for (role, limits) in [(Role::Server, Limits::server()), (Role::Client, Limits::client())] {
        let (peer, far) = connect(role, limits);
        let mut far = other(role, far);
        for _ in 0..3 {
            pings(&mut far, 60).await;
            lives(&mut far).await;
            pings(&mut far, 40).await;
            lives(&mut far).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        pings(&mut far, 101).await;
        let policy = Some(CloseCode::POLICY);
        assert_eq!(receive(&mut far).await, Err(format!("{policy:?} {REASON}")));
        drop(far);
        assert_eq!(peer.closed().await.code, policy);
    }
}

#[tokio::test(start_paused = true)]
async fn pongs_that_nobody_asked_for_count_like_pings() {
    for (role, pong) in [(Role::Server, masked(PONG, "")), (Role::Client, frame(PONG, ""))] {
        let (peer, mut far) = connect(role, Limits::server());
        let mut segment = pong.repeat(100);
        tokio::io::AsyncWriteExt::write_all(&mut far, &segment).await.unwrap();
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(!peer.is_closed());
        segment.truncate(pong.len());
        tokio::io::AsyncWriteExt::write_all(&mut far, &segment).await.unwrap();
        let reason = peer.closed().await;
        assert_eq!((reason.code, &*reason.reason), (Some(CloseCode::POLICY), REASON));
    }
}

#[tokio::test(start_paused = true)]
async fn pongs_that_answer_pings_are_never_counted() {
    for (role, mut limits) in [(Role::Server, Limits::server()), (Role::Client, Limits::client())] {
        limits.set("ping", "10ms").unwrap();
        limits.set("control_rate", "1").unwrap();
        let (_peer, far) = connect(role, limits);
        let mut far = other(role, far);
        let quiet = tokio::time::timeout(Duration::from_secs(30), receive(&mut far)).await;
        assert!(quiet.is_err(), "open, and silent");
        assert!(far.unasked_controls() > 2_500, "{} pings", far.unasked_controls());
        lives(&mut far).await;
    }
}

/// One segment holds more than one turn reads.
#[tokio::test(start_paused = true)]
async fn a_higher_rate_lets_more_through() {
    let mut limits = Limits::server();
    limits.set("control_rate", "1000000").unwrap();
    let (_peer, far) = connect(Role::Server, limits);
    let mut far = other(Role::Server, far);
    for _ in 0..20 {
        pings(&mut far, 1_000).await;
        lives(&mut far).await;
    }
}
