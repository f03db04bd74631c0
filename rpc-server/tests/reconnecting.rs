//! What outlives a connection.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rpc_client::Client;
use rpc_core::{Context, Router};
use rpc_server::{Connecting, Rejection, Server};
use support::{soon, spawn, until};

/// The handler of a call under a key goes on when its connection is lost, and who comes back under
/// the same name gets its answer; anyone else runs it anew.
#[tokio::test]
async fn who_comes_back_with_the_same_name_and_key_gets_the_answer_of_the_first_run() {
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
    let (counted, opened) = (runs.clone(), gate.clone());
    let pay = Router::new().method("pay", move |_: Context, (): ()| {
        let (runs, gate) = (counted.clone(), opened.clone());
        async move {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            gate.acquire().await.unwrap().forget();
            Ok(run)
        }
    });
    let builder = Server::builder().service(pay).on_connect(|connecting: Connecting| async move {
        let user = connecting.header("x-user").unwrap_or("nobody");
        connecting.peer().identify(format!("user:{user}")).unwrap();
        Ok::<_, Rejection>(())
    });
    let server = spawn(builder).await;
    let connect =
        async |user| Client::builder().header("x-user", user).connect(server.url()).await.unwrap();

    let first = connect("ada").await;
    let call = first.peer().call::<usize>("pay", ()).idempotency_key("k").start();
    until(|| runs.load(Ordering::SeqCst) == 1).await;
    first.close().await;
    assert!(call.await.is_err());
    gate.add_permits(2);

    let (again, other) = (connect("ada").await, connect("ben").await);
    let pay = |client: &Client| client.peer().call::<usize>("pay", ()).idempotency_key("k");
    assert_eq!(soon(pay(&again)).await.unwrap(), 1);
    assert_eq!(soon(pay(&other)).await.unwrap(), 2);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}
