//! Closes that are none, come twice, or never.

use std::time::Duration;

use crate::canary::Target;
use crate::support::{CLOSE, HANDSHAKE, TEXT, frame, until};

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

const HANG: &str = r#"{"jsonrpc":"2.0","id":1,"method":"hang"}"#;
const BIG: &str = r#"{"jsonrpc":"2.0","id":2,"method":"big","params":[4000000]}"#;

async fn target() -> Target {
    Target::with(|limits| limits.close = Duration::from_millis(500)).await
}

#[tokio::test]
async fn closes_that_are_malformed() {
    let target = target().await;
    let cases = [
        ("no code, which is fine", frame(CLOSE, b""), None),
        ("half a code", frame(CLOSE, b"\x03"), Some(1002)),
        ("a code below 1000", close(999, b""), Some(1002)),
        ("a code that means that there was none", close(1005, b""), Some(1002)),
        ("a code that means that there was no close", close(1006, b""), Some(1002)),
        ("a code nobody has", close(65535, b""), Some(1002)),
        ("a reason that is not UTF-8", close(1000, b"\xff\xfe"), Some(1007)),
        ("a fragment", vec![CLOSE, 0x82, 0, 0, 0, 0, 3, 0xe8], Some(1002)),
        ("the longest reason", close(1000, &[b'x'; 123]), Some(1000)),
    ];
    for (what, bytes, code) in cases {
        let mut raw = target.open().await;
        raw.send_text(HANG).await;
        raw.send(bytes).await;
        let (opcode, payload) = raw.frame().await.expect("ended without a close frame");
        assert_eq!(opcode, CLOSE, "{what}");
        let found = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        // 1002 fits whatever was wrong.
        assert!(found == code || (code == Some(1007) && found == Some(1002)), "{what}: {found:?}");
        assert!(raw.ended().await);
    }
    target.unharmed().await;
}

#[tokio::test]
async fn what_comes_after_a_close_is_not_served() {
    let target = target().await;
    let mut raw = target.open().await;
    let more = [
        close(1000, b"bye"),
        frame(TEXT, HANG.as_bytes()),
        close(1001, b"and again"),
        frame(9, b"ping"),
        close(999, b""),
    ];
    raw.send(more.concat()).await;
    assert_eq!(raw.close_frame().await.0, 1000);
    assert_eq!(raw.frame().await, None);
    assert_eq!(target.lives.most(), 0);
    target.unharmed().await;
}

/// One close does not stop the flood behind it, but the server listens only for so long.
#[tokio::test]
async fn a_flood_behind_a_close() {
    let target = target().await;
    let mut raw = target.open().await;
    raw.send(close(1000, b"bye")).await;
    let flood = frame(TEXT, HANG.as_bytes()).repeat(1000);
    while raw.try_send(&flood).await {}
    assert_eq!(target.lives.most(), 0);
    target.unharmed().await;
}

/// The server closes; the other end goes on as if it had heard nothing.
#[tokio::test]
async fn who_does_not_hear_a_close() {
    let target = target().await;
    let mut raw = target.open().await;
    raw.send(frame(TEXT, b"\xff")).await;
    let flood = frame(TEXT, HANG.as_bytes()).repeat(1000);
    while raw.try_send(&flood).await {}
    assert_eq!(target.lives.most(), 0);
    target.unharmed().await;
}

#[tokio::test]
async fn connections_that_are_half_closed() {
    let target = target().await;
    for message in ["", HANG, BIG] {
        let mut raw = target.open().await;
        if !message.is_empty() {
            raw.send_text(message).await;
        }
        raw.shutdown().await;
        assert!(raw.ended().await);
    }
    target.unharmed().await;
}

/// In the middle of whatever is going on.
#[tokio::test]
async fn connections_that_are_reset() {
    let target = target().await;
    let half = &frame(TEXT, &[b' '; 1000])[..500];
    for _ in 0..20 {
        let mut head = target.way.connect().await;
        head.send(&HANDSHAKE[..50]).await;
        head.reset();

        let mut idle = target.open().await;
        idle.send(b"").await;
        idle.reset();

        let mut message = target.open().await;
        message.send_text(HANG).await;
        message.send(half).await;
        message.reset();

        let mut answer = target.open().await;
        answer.send_text(BIG).await;
        assert!(answer.some().await, "of an answer that is too long for a socket");
        answer.reset();

        let mut closing = target.open().await;
        closing.send([frame(TEXT, BIG.as_bytes()), close(1000, b"")].concat()).await;
        closing.reset();
    }
    until(|| target.server.stats().connections == 1).await;
    target.unharmed().await;
}
