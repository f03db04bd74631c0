//! A server that hands calls on to a peer which is away for a while.

use std::time::Duration;

use rpc_client::{Client, Reconnect};
use rpc_core::{Context, Fate, Router};
use rpc_server::Server;
use tokio::net::ToSocketAddrs;
use tokio::time::{sleep, timeout};

async fn serve(address: impl ToSocketAddrs + Clone) -> Server {
    for _ in 0..200 {
        let services = Router::new()
            .method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) })
            .method("wait", |_: Context, (): ()| async {
                std::future::pending::<()>().await;
                Ok(())
            });
        if let Ok(server) = Server::builder().service(services).bind(address.clone()).await {
            return server.spawn();
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the address is taken");
}

#[tokio::test]
async fn calls_wait_while_the_other_peer_is_away() {
    let back = serve("127.0.0.1:0").await;
    let address = back.local_addr().unwrap();
    let reconnect = Reconnect::default().max_delay(Duration::from_secs(1));
    let upstream = Client::builder().reconnect(reconnect).connect(back.url()).await.unwrap();
    let front = Router::new().forward("*", upstream.peer());
    let front = Server::builder().service(front).bind("127.0.0.1:0").await.unwrap().spawn();
    let client = Client::builder().connect(front.url()).await.unwrap();
    let peer = client.peer();
    assert_eq!(peer.call::<i64>("add", (1, 2)).await, Ok(3));

    let open = peer.call::<()>("wait", ()).start();
    while back.stats().in_flight == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    back.shutdown(Duration::ZERO).await;
    drop(back);
    let lost = timeout(Duration::from_secs(10), open).await.unwrap().unwrap_err();
    assert_eq!(lost.fate(), Some(Fate::MaybeExecuted), "{lost:?}");

    let waiting = peer.call::<i64>("add", (3, 4)).start();
    while upstream.peer().stats().pending == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let _back = serve(address).await;
    assert_eq!(timeout(Duration::from_secs(20), waiting).await.unwrap(), Ok(7));
}
