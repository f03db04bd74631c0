//! Sessions over links, and from a link to a WebSocket and back.

use std::time::Duration;

use rpc_client::{Carrier, Client, Fallback, Reconnect, State, States};
use rpc_server::{Server, Sessions};

use crate::clients::{DeskClient, ada, all, office};
use crate::proxy::Proxy;
use crate::support::{limits, soon, spawn, until};

/// A server with sessions, which soon gives up a link without a stream.
async fn server() -> Server {
    let limits = limits(|limits| limits.mend = Duration::from_millis(50));
    spawn(office().sessions(Sessions::new()).limits(limits)).await
}

async fn connected(proxy: &Proxy, fallback: Fallback) -> (Client, States) {
    let mut limits = rpc_core::Limits::client();
    limits.mend = Duration::from_millis(50);
    let policy = Reconnect::default()
        .min_delay(Duration::from_millis(5))
        .max_delay(Duration::from_millis(50));
    let builder = ada().fallback(fallback).limits(limits).reconnect(policy);
    let builder = builder.connect_timeout(Duration::from_secs(4));
    let client = soon(builder.connect(proxy.url())).await.unwrap();
    let states = client.states();
    (client, states)
}

/// The next state of a client with a link that resumes its session.
async fn resumed(states: &mut States) -> Carrier {
    loop {
        match soon(states.next()).await.expect("the client has ended") {
            State::Up { resumed: true, carrier, .. } => return carrier,
            State::Fresh { .. } | State::Ended(_) => panic!("the session has ended"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_session_is_resumed_from_link_to_link() {
    let server = server().await;
    let proxy = Proxy::start(&server).await;
    let (client, mut states) = connected(&proxy, Fallback::Always).await;
    all(&client).await;
    for _ in 0..3 {
        proxy.close(true);
        proxy.cut();
        until(|| server.stats().sessions.away == 1).await;
        // Made without a link.
        let greet = tokio::spawn(DeskClient::new(client.peer()).greet().into_future());
        proxy.close(false);
        assert_eq!(resumed(&mut states).await, Carrier::Sse);
        assert_eq!(soon(greet).await.unwrap().unwrap(), "hello, Ada");
    }
    all(&client).await;
    assert_eq!(server.stats().sessions.resumed, 3);
}

#[tokio::test]
async fn a_session_moves_to_a_websocket_and_back() {
    let server = server().await;
    let proxy = Proxy::start(&server).await;
    proxy.refuse_upgrades(true);
    let (client, mut states) = connected(&proxy, Fallback::WhenFails).await;
    assert_eq!(client.carrier(), Carrier::Sse);
    all(&client).await;
    proxy.refuse_upgrades(false);
    client.reconnect_now();
    assert_eq!(resumed(&mut states).await, Carrier::WebSocket);
    assert_eq!(client.carrier(), Carrier::WebSocket);
    all(&client).await;
    proxy.refuse_upgrades(true);
    proxy.cut();
    assert_eq!(resumed(&mut states).await, Carrier::Sse);
    all(&client).await;
    assert_eq!(server.stats().sessions.resumed, 2);
    assert_eq!(server.stats().connections, 1);
}

/// After ten minutes the client looks whether it can have a WebSocket. Nothing is lost, whatever it finds.
#[tokio::test]
async fn a_client_looks_for_a_websocket_now_and_then() {
    let (addresses, address) = tokio::sync::oneshot::channel();
    // In a runtime of its own, whose clock goes on as ever.
    std::thread::spawn(move || {
        let runtime = rpc_server::runtime().worker_threads(1).build().unwrap();
        runtime.block_on(async {
            let server = server().await;
            let proxy = std::sync::Arc::new(Proxy::start(&server).await);
            proxy.refuse_upgrades(true);
            assert!(addresses.send(proxy.clone()).is_ok());
            std::future::pending::<()>().await;
        });
    });
    let proxy = address.await.unwrap();
    let (client, mut states) = connected(&proxy, Fallback::WhenFails).await;
    all(&client).await;
    let after = async |minutes: u64| {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(minutes * 60)).await;
        tokio::time::resume();
    };
    after(11).await;
    all(&client).await;
    assert_eq!(client.carrier(), Carrier::Sse, "it has looked in vain");
    proxy.refuse_upgrades(false);
    after(21).await;
    assert_eq!(resumed(&mut states).await, Carrier::WebSocket);
    all(&client).await;
}

/// Some proxies answer the handshake, and swallow what comes behind it.
#[tokio::test]
async fn a_websocket_that_carries_nothing_is_none() {
    let server = server().await;
    let proxy = Proxy::start(&server).await;
    proxy.swallow(true);
    let once = ada().fallback(Fallback::WhenFails).connect_timeout(Duration::from_secs(1));
    let client = soon(once.connect(proxy.url())).await.unwrap();
    assert_eq!(client.carrier(), Carrier::Sse);
    all(&client).await;
    drop(client);
    until(|| server.stats().connections == 0).await;

    // A client that reconnects, at first and when its WebSocket was cut. Its session goes on.
    let (client, mut states) = connected(&proxy, Fallback::WhenFails).await;
    assert_eq!(client.carrier(), Carrier::Sse);
    all(&client).await;
    proxy.swallow(false);
    client.reconnect_now();
    assert_eq!(resumed(&mut states).await, Carrier::WebSocket);
    all(&client).await;
    proxy.swallow(true);
    proxy.cut();
    assert_eq!(resumed(&mut states).await, Carrier::Sse);
    all(&client).await;
}

/// What follows the handshake of a plain server may be silence.
#[tokio::test]
async fn a_plain_server_need_not_say_anything() {
    let server = spawn(office().plain(true)).await;
    let once = ada().fallback(Fallback::WhenFails).connect_timeout(Duration::from_millis(200));
    let client = soon(once.connect(server.url())).await.unwrap();
    assert_eq!(client.carrier(), Carrier::WebSocket);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let desk = DeskClient::new(client.peer());
    assert_eq!(soon(desk.length("four").into_future()).await.unwrap(), 4);
}
