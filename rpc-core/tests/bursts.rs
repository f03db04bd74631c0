//! A burst of pushes to a client that pauses: with the default limits nothing is closed, and nothing is lost.

mod support;

use std::time::Duration;

use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{Accepted, Endpoint, EndpointConfig, PeerRegistry, SessionMode};
use rpc_core::{Context, Limits, Peer, Router};
use support::Raw;
use tokio::sync::mpsc;
use tokio::time::sleep;

const PUSHES: u64 = 10_000;

const PAUSE: Duration = Duration::from_secs(5);

fn text() -> String {
    "x".repeat(200)
}

/// A server's end of a link and its registry.
fn server(registry: &PeerRegistry, sessions: SessionMode, limits: Limits) -> Endpoint {
    let mut config = EndpointConfig::new(Router::new(), limits);
    (config.registry, config.sessions) = (registry.clone(), sessions);
    let server = Endpoint::new(config);
    server.set_extended(false);
    server
}

/// A client whose program is busy for a while with the first push, and then tells the number of each.
fn busy_client(
    registry: &PeerRegistry,
    has_session: bool,
) -> (Peer, mpsc::UnboundedReceiver<u64>, Peer) {
    let (heard, hears) = mpsc::unbounded_channel();
    let push = move |_: Context, (number, _): (u64, String)| {
        let heard = heard.clone();
        async move {
            if number == 0 {
                sleep(PAUSE).await;
            }
            let _ = heard.send(number);
        }
    };
    let modes = if has_session {
        (SessionMode::Ask, SessionMode::Grant)
    } else {
        (SessionMode::Off, SessionMode::Off)
    };
    let mut config =
        EndpointConfig::new(Router::new().notification("push", push), Limits::client());
    config.sessions = modes.0;
    let client = Endpoint::new(config);
    let server = server(registry, modes.1, Limits::server());
    let (left, right) = memory::transports(64 * 1024);
    let (near, far) = (client.peer(), server.peer());
    if has_session {
        let mut connection = client.without_link();
        connection.attach(left, true);
        tokio::spawn(connection);
        tokio::spawn(accept(server, right));
    } else {
        client.set_extended(true);
        tokio::spawn(client.connect(left));
        tokio::spawn(server.connect(right));
    }
    (near, hears, far)
}

async fn accept(far: Endpoint, link: Pipe) {
    if let Accepted::Fresh(connection) = far.accept(link, |_, _| true).await {
        connection.await;
    }
}

async fn all(hears: &mut mpsc::UnboundedReceiver<u64>) {
    for number in 0..PUSHES {
        assert_eq!(hears.recv().await, Some(number));
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_pauses_gets_all_pushes_of_its_group() {
    for has_session in [false, true] {
        let registry = PeerRegistry::new();
        let (client, mut hears, member) = busy_client(&registry, has_session);
        sleep(Duration::from_secs(1)).await;
        member.join_group("g").unwrap();
        for number in 0..PUSHES {
            let took = registry.group("g").notify("push", (number, text())).await;
            assert_eq!(took, Ok(1), "session {has_session}, push {number}");
        }
        all(&mut hears).await;
        assert!(!client.is_closed() && !member.is_closed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_pauses_gets_all_notifications() {
    for has_session in [false, true] {
        let registry = PeerRegistry::new();
        let (client, mut hears, server) = busy_client(&registry, has_session);
        sleep(Duration::from_secs(1)).await;
        for number in 0..PUSHES {
            server.notify("push", (number, text())).await.unwrap();
        }
        all(&mut hears).await;
        assert!(!client.is_closed() && !server.is_closed());
    }
}

/// A member that does not even read.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_for_a_while_gets_all_pushes_of_its_group() {
    let registry = PeerRegistry::new();
    let (near, far) = memory::transports(64 * 1024);
    let server = server(&registry, SessionMode::Off, Limits::server());
    let member = server.peer();
    tokio::spawn(server.connect(near));
    let mut raw = Raw::over(far);
    member.join_group("g").unwrap();
    for number in 0..PUSHES {
        assert_eq!(registry.group("g").notify("push", (number, text())).await, Ok(1), "{number}");
    }
    sleep(PAUSE).await;
    for number in 0..PUSHES {
        assert!(raw.receive().await.contains(&format!("[{number},")));
    }
    assert!(!member.is_closed());
}
