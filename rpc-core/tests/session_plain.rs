//! A client whose next link leads to a peer that does not know the extensions of this crate.

mod support;

use std::future::pending;
use std::time::Duration;

use rpc_core::transport::{Connection, Endpoint, EndpointConfig, SessionMode};
use rpc_core::{Fate, Limits, Peer, Router, memory};
use support::Raw;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// A client that has had a link to a peer that knows it, and that goes on over a link to a plain peer.
struct Moved {
    peer: Peer,
    plain: Raw,
}

impl Moved {
    /// Makes the calls of `begin` while there is no link.
    async fn after<T>(limits: Limits, begin: impl FnOnce(&Peer) -> T) -> (Self, T) {
        let mut config = EndpointConfig::new(Router::new(), limits);
        (config.sessions, config.answers_malformed) = (SessionMode::Ask, false);
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        let mut connection = endpoint.without_link();
        let [(ours, known), (link, plain)] = [(); 2].map(|()| memory::transports(64 * 1024));
        connection.attach(ours, true);
        let (lose, lost) = oneshot::channel::<()>();
        let (attach, attached) = oneshot::channel::<()>();
        tokio::spawn(async move {
            carry(&mut connection, lost).await;
            connection.detach();
            carry(&mut connection, attached).await;
            connection.attach(link, false);
            carry(&mut connection, pending::<()>()).await;
        });
        let (mut known, plain) = (Raw::over(known), Raw::over(plain));
        known.receive().await;
        let token = "first-first-first-first";
        known
            .notify("$/hello", &format!(r#"{{"duplex":1,"session":{{"token":"{token}"}}}}"#))
            .await;
        assert!(known.receive().await.contains("$/ack"));
        let told = peer.call::<u32>("add", (1, 2)).start();
        assert!(known.receive().await.contains("timeoutMs"), "our own peer is told");
        lose.send(()).unwrap();
        sleep(Duration::from_millis(1)).await;
        let begun = begin(&peer);
        attach.send(()).unwrap();
        assert_eq!(told.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
        (Self { peer, plain }, begun)
    }

    /// The next message, which must have no `timeoutMs`.
    async fn receive(&mut self) -> String {
        let text = self.plain.receive().await;
        assert!(!text.contains("timeoutMs"), "{text}");
        text
    }

    async fn answer(&mut self, text: &str) {
        let id = support::id_of(text);
        self.plain.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":3}}"#)).await;
    }
}

/// Carries the connection until `ends`.
async fn carry<T>(connection: &mut Connection, ends: impl Future<Output = T>) {
    let events = async {
        loop {
            connection.next_event().await;
        }
    };
    tokio::select! {
        biased;
        _ = ends => {}
        () = events => {}
    }
}

/// Members of a call that only our own peers know were left in the messages that waited while the client was away. Real
/// peers refuse unknown members, or do not answer such a call.
#[tokio::test(start_paused = true)]
async fn what_waited_for_a_link_is_sent_to_a_plain_peer_without_extensions() {
    let begin = |peer: &Peer| {
        let add = || peer.call::<u32>("add", (1, 2));
        let alone = add().start();
        let asked = add().on_progress(|_: u32| {}).idempotency_key("k").start();
        let batch = peer.batch();
        let member = batch.call::<u32>("add", (1, 2));
        (alone, asked, member, tokio::spawn(batch.send()))
    };
    let (mut moved, (alone, asked, member, sent)) = Moved::after(Limits::client(), begin).await;
    let first = moved.receive().await;
    let id = support::id_of(&first);
    let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"add","params":[1,2]}}"#);
    support::assert_same(&first, &expected);
    let second = moved.receive().await;
    assert!(second.contains("progressToken") && second.contains(r#""k""#), "asked for: {second}");
    let third = moved.receive().await;
    assert!(third.starts_with('['), "{third}");
    moved.answer(&first).await;
    moved.answer(&second).await;
    assert_eq!((alone.await, asked.await), (Ok(3), Ok(3)));
    assert_eq!(moved.peer.stats().pending, 1);
    drop((member, sent));
}

/// So are calls that wait until fewer calls are on the wire.
#[tokio::test(start_paused = true)]
async fn what_waited_for_other_calls_has_no_extensions_either() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let begin = |peer: &Peer| {
        let batch = peer.batch();
        let calls = [(); 3].map(|()| peer.call::<u32>("add", (1, 2)).start());
        let member = batch.call::<u32>("add", (1, 2));
        (calls, member, tokio::spawn(batch.send()))
    };
    let (mut moved, (calls, member, sent)) = Moved::after(limits, begin).await;
    for call in calls {
        let text = moved.receive().await;
        moved.answer(&text).await;
        assert_eq!(call.await, Ok(3));
    }
    assert!(moved.receive().await.starts_with('['));
    drop((member, sent));
}
