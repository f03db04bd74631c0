//! A client that does not want some of what a server pushes, over lost links and restarted servers.

mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rpc_client::{Client, State};
use rpc_core::{Context, Router, service};
use rpc_server::Server;
use wire::{Host, States, Wire, client, quick, soon};

#[service(namespace = "chatter")]
trait Chatter {
    #[notification]
    async fn typing(&self, who: &str);
    #[notification]
    async fn said(&self, text: &str);
}

/// Counts who types, and what is said.
#[derive(Clone, Default)]
struct Ears {
    typing: Arc<AtomicU64>,
    said: Arc<AtomicU64>,
}

impl Chatter for Ears {
    async fn typing(&self, _: &str) {
        self.typing.fetch_add(1, Ordering::SeqCst);
    }
    async fn said(&self, _: &str) {
        self.said.fetch_add(1, Ordering::SeqCst);
    }
}

impl Ears {
    fn heard(&self) -> (u64, u64) {
        (self.typing.load(Ordering::SeqCst), self.said.load(Ordering::SeqCst))
    }
}

/// Pushes to the caller by itself and by a group, and answers how many messages were skipped so far.
fn pushes() -> Router {
    Router::new().method("push", |cx: Context, (): ()| async move {
        cx.peer().join_group("all").unwrap();
        let all = ChatterClient::new(cx.group("all"));
        all.typing("Ada").await.unwrap();
        all.typing("Bob").await.unwrap();
        let chatter = ChatterClient::new(cx.peer());
        chatter.typing("Ada").await.unwrap();
        chatter.said("hi").await.unwrap();
        Ok(cx.peer().stats().counters.skipped)
    })
}

/// A client whose hook asks for pushes before all else, and what the server skipped for that.
async fn connect(wire: &Wire, ears: &Ears) -> (Client, States, Arc<AtomicU64>) {
    let (builder, states) = client(quick());
    let of_hook = Arc::<AtomicU64>::default();
    let skipped = of_hook.clone();
    let builder = builder.service(ChatterServer::new(ears.clone())).on_session(move |peer| {
        let skipped = skipped.clone();
        async move {
            let count = peer.call::<u64>("push", ()).await?;
            skipped.store(count, Ordering::SeqCst);
            Ok::<_, rpc_core::CallError>(())
        }
    });
    let client = soon(builder.connect(wire.url())).await.unwrap();
    (client, states, of_hook)
}

async fn push(client: &Client) -> u64 {
    soon(client.peer().call("push", ())).await.unwrap()
}

#[tokio::test]
async fn a_mute_holds_over_lost_links_and_the_next_server_knows_of_it_before_the_hook_asks() {
    let host = Host::start(pushes()).await;
    let (wire, ears) = (Wire::to(host.address().unwrap()).await, Ears::default());
    let (client, mut states, of_hook) = connect(&wire, &ears).await;
    states.up().await;
    assert_eq!((of_hook.load(Ordering::SeqCst), ears.heard()), (0, (3, 1)));

    client.peer().mute("chatter.typing").unwrap();
    assert_eq!(push(&client).await, 3);
    wire.cut();
    states.until(|state| matches!(state, State::Away { .. })).await;
    assert_eq!(push(&client).await, 6, "the session has it");
    assert_eq!(states.up().await.to_string(), "up, session resumed");
    assert_eq!(host.server.stats().skipped, 6);

    let other = Host::start(pushes()).await;
    wire.lead_to(other.address());
    wire.cut();
    assert!(states.up().await.to_string().starts_with("up, fresh session"));
    assert_eq!(of_hook.load(Ordering::SeqCst), 3);
    client.peer().unmute("chatter.typing");
    assert_eq!(push(&client).await, 3);
    assert_eq!(ears.heard(), (6, 5));
    // The hook's three messages were skipped there, and the stats of both servers have no others.
    assert_eq!((other.server.stats().skipped, client.peer().stats().counters.skipped), (3, 0));
}

/// Such a server is told nothing, and what it sends is not run.
#[tokio::test]
async fn a_mute_holds_towards_plain_servers() {
    let plain = || Server::builder().plain(true).service(pushes()).bind("127.0.0.1:0");
    let server = plain().await.unwrap().spawn();
    let (wire, ears) = (Wire::to(server.local_addr().unwrap()).await, Ears::default());
    let (client, mut states, _) = connect(&wire, &ears).await;
    states.up().await;
    client.peer().mute("chatter.typing").unwrap();
    assert_eq!(push(&client).await, 0);
    assert_eq!(ears.heard(), (3, 2));
    assert_eq!(client.peer().stats().counters.skipped, 3);

    let again = plain().await.unwrap().spawn();
    wire.lead_to(again.local_addr());
    wire.cut();
    states.until(|state| matches!(state, State::Away { .. })).await;
    states.up().await;
    // What the hook asked for, and what is asked for now.
    assert_eq!(push(&client).await, 0);
    assert_eq!(ears.heard(), (3, 4));
    assert_eq!(client.peer().stats().counters.skipped, 9);
    assert_eq!(again.stats().malformed, 0);
    drop(server);
}
