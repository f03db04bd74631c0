//! A client whose next link leads to a peer that does not know the extensions of this crate.

mod support;

use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig, SessionMode};
use rpc_core::{Limits, Router, memory};
use support::Raw;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// Members of a call that only our own peers know were left in the messages that waited while the client was away. Real
/// peers refuse unknown members, or do not answer such a call.
#[tokio::test(start_paused = true)]
async fn what_waited_for_a_link_is_sent_to_a_plain_peer_without_extensions() {
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    (config.sessions, config.answers_malformed) = (SessionMode::Ask, false);
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    let mut connection = endpoint.without_link();
    let (ours, far) = memory::transports(64 * 1024);
    connection.attach(ours, true);
    let mut raw = Raw::over(far);
    let (lose, lost) = oneshot::channel::<()>();
    let (plain, far) = memory::transports(64 * 1024);
    tokio::spawn(async move {
        tokio::select! {
            biased;
            _ = lost => {}
            () = async { loop { connection.next_event().await; } } => {}
        }
        connection.detach();
        let waits = Duration::from_secs(1);
        tokio::select! {
            biased;
            () = sleep(waits) => connection.attach(plain, false),
            () = async { loop { connection.next_event().await; } } => {}
        }
        loop {
            connection.next_event().await;
        }
    });

    raw.receive().await;
    let token = "first-first-first-first";
    raw.notify("$/hello", &format!(r#"{{"duplex":1,"session":{{"token":"{token}"}}}}"#)).await;
    assert!(raw.receive().await.contains("$/ack"));
    let add = || peer.call::<u32>("add", (1, 2));
    let known = add().start();
    assert!(raw.receive().await.contains("timeoutMs"), "our own peer is told");
    lose.send(()).unwrap();
    sleep(Duration::from_millis(1)).await;

    let alone = add().start();
    let asked = add().on_progress(|_: u32| {}).idempotency_key("k").start();
    let batch = peer.batch();
    let member = batch.call::<u32>("add", (1, 2));
    let sent = tokio::spawn(batch.send());
    let mut raw = Raw::over(far);
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(raw.receive().await);
    }
    let [first, second, third] = &texts[..] else { panic!("{texts:?}") };
    let id = support::id_of(first);
    let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"add","params":[1,2]}}"#);
    support::assert_same(first, &expected);
    let asked_for = |text: &str| text.contains("progressToken") && text.contains(r#""k""#);
    assert!(asked_for(second) && !second.contains("timeoutMs"), "{second}");
    assert!(third.starts_with('[') && !third.contains("timeoutMs"), "{third}");

    for text in [first, second] {
        let id = support::id_of(text);
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":3}}"#)).await;
    }
    assert_eq!((alone.await, asked.await), (Ok(3), Ok(3)));
    drop((known, member, sent));
}
