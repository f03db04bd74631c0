//! A server asks its client for another link, and the session goes on.

use rpc_client::{Client, Reconnect, State};
use rpc_core::{Context, Router};
use rpc_server::{Server, Sessions};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

#[tokio::test]
async fn a_client_makes_another_link_when_the_server_asks_and_nothing_is_lost() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let wait = move |_: Context, (): ()| {
        let gate = opened.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(7)
        }
    };
    let server = Server::builder().service(Router::new().method("wait", wait));
    let server = server.sessions(Sessions::new()).bind("127.0.0.1:0").await.unwrap().spawn();
    let client = Client::builder().reconnect(Reconnect::default()).connect(server.url()).await;
    let client = client.unwrap();
    let waits = client.peer().call::<u32>("wait", ()).start();
    let [peer] = &server.peers()[..] else { panic!("one client") };
    // Only a session of which both ends know can be resumed.
    while !peer.ask_to_move() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!peer.ask_to_move(), "once in ten seconds");
    let moved = async {
        while server.stats().sessions.taken_over == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let moved = timeout(Duration::from_secs(10), moved).await;
    assert!(moved.is_ok(), "{:?} {}", server.stats(), client.state());
    gate.add_permits(1);
    assert_eq!(waits.await.unwrap(), 7);
    assert_eq!(server.peers().iter().collect::<Vec<_>>(), [peer]);
    assert!(matches!(client.state(), State::Up { .. }));
    assert_eq!(server.stats().sessions.resumed, 1);
}
