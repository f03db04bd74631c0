//! Clients that come back to a server that they prefer.

use std::sync::Arc;
use std::time::Duration;

mod wire;

use rpc_client::{Client, Reconnect, State};
use rpc_core::{Context, Router};
use rpc_server::Server;
use tokio::sync::Notify;
use tokio::time::sleep;
use wire::{Host, States, Wire, client, quick, soon};

fn named(name: &'static str) -> Router {
    Router::new().method("name", move |_: Context, (): ()| async move { Ok(name) })
}

async fn name(client: &Client) -> String {
    soon(client.peer().call::<String>("name", ())).await.unwrap()
}

/// A wire that leads nowhere yet.
async fn nowhere(target: &Host) -> Wire {
    let wire = Wire::to(target.address().unwrap()).await;
    wire.lead_to(None);
    wire
}

fn impatient() -> Reconnect {
    quick().fail_back_after(Duration::from_millis(10))
}

/// A client of `preferred`, which leads nowhere, and so connected to `other`.
async fn away(policy: Reconnect, preferred: &Wire, other: &Host) -> (Client, States) {
    let (builder, mut states) = client(policy);
    let builder = builder.alternative(other.server.url());
    let client = soon(builder.connect(preferred.url())).await.unwrap();
    states.up().await;
    assert!(other.server.url().contains(&*client.host()));
    (client, states)
}

fn is_at(client: &Client, wire: &Wire) -> bool {
    wire.url().contains(&*client.host())
}

#[tokio::test]
async fn a_session_moves_to_a_preferred_url_that_is_back_and_what_runs_goes_on() {
    let (started, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (starts, released) = (started.clone(), release.clone());
    let slow = Router::new().method("slow", move |_: Context, (): ()| {
        let (starts, released) = (starts.clone(), released.clone());
        async move {
            starts.notify_one();
            released.notified().await;
            Ok("once")
        }
    });
    let host = Host::start(slow).await;
    let wire = nowhere(&host).await;
    let (client, _states) = away(impatient(), &wire, &host).await;
    let peer = client.peer().clone();
    let slow = tokio::spawn(async move { peer.call::<String>("slow", ()).await });
    soon(started.notified()).await;
    wire.lead_to(host.address());
    soon(async {
        while !is_at(&client, &wire) {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    release.notify_one();
    assert_eq!(soon(slow).await.unwrap().unwrap(), "once");
    assert!(matches!(client.state(), State::Up { .. }), "{}", client.state());
    assert_eq!(host.server.stats().sessions.resumed, 1);
    assert_eq!(*host.announced.lock().unwrap(), [false, true]);
}

#[tokio::test]
async fn a_preferred_server_that_does_not_know_the_session_begins_a_fresh_one() {
    let (a, b) = (Host::start(named("a")).await, Host::start(named("b")).await);
    let wire = nowhere(&a).await;
    let (client, mut states) = away(impatient(), &wire, &b).await;
    assert_eq!(name(&client).await, "b");
    wire.lead_to(a.address());
    states.until(|state| matches!(state, State::Fresh { .. })).await;
    assert_eq!(name(&client).await, "a");
    assert!(is_at(&client, &wire));
}

#[tokio::test]
async fn a_look_in_vain_disturbs_nothing_and_is_not_told() {
    let b = Host::start(named("b")).await;
    let wire = nowhere(&b).await;
    let (client, mut states) = away(impatient(), &wire, &b).await;
    let before = wire.accepted();
    soon(async {
        while wire.accepted() < before + 2 {
            assert_eq!(name(&client).await, "b");
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(name(&client).await, "b");
    assert!(!is_at(&client, &wire));
    assert_eq!(b.announced.lock().unwrap().len(), 1, "it is still the first link");
    drop(client);
    let ended = states.until(|_| true).await;
    assert!(matches!(ended, State::Ended(_)), "nothing comes in between: {ended}");
}

#[tokio::test]
async fn a_client_that_is_not_to_come_back_or_has_no_session_stays() {
    let plain = Server::builder().service(named("b")).bind("127.0.0.1:0").await.unwrap().spawn();
    let b = Host::start(named("b")).await;
    for (policy, url) in [(quick(), b.server.url()), (impatient(), plain.url())] {
        let wire = nowhere(&b).await;
        let (builder, _states) = client(policy);
        let client = soon(builder.alternative(url).connect(wire.url())).await.unwrap();
        let before = wire.accepted();
        wire.lead_to(b.address());
        // The hello has come before the answer, and far more than the wait has passed behind that.
        assert_eq!(name(&client).await, "b");
        sleep(Duration::from_millis(200)).await;
        assert_eq!(wire.accepted(), before);
        assert!(!is_at(&client, &wire));
    }
}
