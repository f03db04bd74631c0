//! A client that asks for a session without an exchange of headers: it says hello first, and does not know to whom.

mod support;

use rpc_core::transport::{ConnectionEvent, Endpoint, EndpointConfig, Hello, SessionMode};
use rpc_core::{CloseCode, Limits, Peer, Router, memory};
use support::Raw;
use tokio::sync::mpsc;

/// More than is kept without a sign of the other end.
const NOTES: usize = 100;

/// A client that is given another link whenever it has lost one.
fn client() -> (Peer, mpsc::UnboundedReceiver<Raw>) {
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    (config.sessions, config.hello, config.answers_malformed) =
        (SessionMode::Ask, Hello::Always, false);
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    let (raws, links) = mpsc::unbounded_channel();
    let mut connection = endpoint.without_link();
    tokio::spawn(async move {
        loop {
            let (near, far) = memory::transports(1024 * 1024);
            connection.attach(near, false);
            let _ = raws.send(Raw::over(far));
            while matches!(connection.next_event().await, ConnectionEvent::Up { .. }) {}
        }
    });
    (peer, links)
}

/// The hello, and the text of each note and ping behind it, in order.
async fn notes(raw: &mut Raw, peer: &Peer) -> Vec<String> {
    let hello = raw.receive().await;
    assert!(hello.contains("$/hello") && hello.contains("\"session\""), "{hello}");
    for _ in 0..NOTES {
        peer.notify("note", ("x".repeat(1000),)).await.unwrap();
    }
    let mut all = Vec::new();
    for _ in 0..=NOTES {
        all.push(raw.receive().await);
    }
    assert!(raw.is_silent().await, "one ping");
    all
}

/// Returns how many messages came before the ping, and its id.
fn ping(all: &[String]) -> (usize, String) {
    let at = all.iter().position(|text| text.contains("$/ping")).expect("a ping comes");
    (at, support::id_of(&all[at]))
}

#[tokio::test(start_paused = true)]
async fn an_end_that_answers_nothing_is_pinged_once_when_64_kib_are_kept() {
    let (peer, mut links) = client();
    let mut raw = links.recv().await.unwrap();
    let all = notes(&mut raw, &peer).await;
    let (before, id) = ping(&all);
    let kept: usize = all[..before].iter().map(|text| text.len() + 128).sum();
    assert!(kept >= 64 * 1024, "{kept} bytes are kept before the ping");
    let held = peer.stats().queue_bytes;
    assert!(held > NOTES * 1000, "{held} bytes are kept");

    // Any response shows a plain peer: nothing is kept for it.
    let refusal = r#""error":{"code":-32601,"message":"no such method"}}"#;
    raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{refusal}"#)).await;
    assert!(raw.is_silent().await);
    assert_eq!((peer.stats().queue_bytes, peer.stats().counters.stray), (0, 0));

    // The end behind the next link is another one.
    raw.close_with(CloseCode::GOING_AWAY).await;
    let mut raw = links.recv().await.unwrap();
    ping(&notes(&mut raw, &peer).await);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_has_said_hello_is_not_pinged() {
    let (peer, mut links) = client();
    let mut raw = links.recv().await.unwrap();
    raw.receive().await;
    let token = "first-first-first-first";
    raw.notify("$/hello", &format!(r#"{{"duplex":1,"session":{{"token":"{token}"}}}}"#)).await;
    let ack = raw.receive().await;
    assert!(ack.contains("$/ack"), "{ack}");
    for _ in 0..NOTES {
        peer.notify("note", ("x".repeat(1000),)).await.unwrap();
        let note = raw.receive().await;
        assert!(note.contains("note"), "{note}");
    }
    assert!(raw.is_silent().await);
}
