//! How a server ends.

mod support;

use std::sync::Arc;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CallError, CloseCode, Context, Router};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder};
use support::{Raw, bind, echo, limits, soon, spawn, until};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

const LONG: Duration = Duration::from_secs(3600);

/// A server whose method `work` ends when the semaphore lets it.
fn worker() -> (ServerBuilder, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let work = move |_: Context, (): ()| {
        let gate = opened.clone();
        async move {
            let _ = gate.acquire().await;
            Ok("done")
        }
    };
    (Server::builder().service(Router::new().method("work", work)), gate)
}

#[tokio::test]
async fn what_runs_is_finished_what_comes_is_busy_and_then_it_ends() {
    let (builder, gate) = worker();
    let server = spawn(builder).await;
    let client = Client::builder().connect(&server.url()).await.unwrap();
    let idle = Client::builder().connect(&server.url()).await.unwrap();
    let work = client.peer().call::<String>("work", ()).start();
    until(|| server.stats().in_flight == 1).await;

    let ending = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown(LONG).await }
    });
    assert_eq!(soon(idle.closed()).await.code, Some(CloseCode::RESTARTING), "it owes nothing");
    let refused = async { while TcpStream::connect(server.local_addr().unwrap()).await.is_ok() {} };
    soon(refused).await;
    let late = soon(client.peer().call::<String>("work", ())).await;
    assert!(matches!(late, Err(CallError::Busy)), "{late:?}");

    assert!(!ending.is_finished());
    gate.add_permits(1);
    assert_eq!(soon(work).await.unwrap(), "done");
    let reason = soon(client.closed()).await;
    assert_eq!(reason.to_string(), "closed by the other end with code 1012: shutting down");
    soon(ending).await.unwrap();
    assert_eq!(server.stats().closes["1012"], 2);
}

#[tokio::test]
async fn the_grace_bounds_what_runs_and_a_second_one_can_cut_it_short() {
    let (builder, _gate) = worker();
    let server = spawn(builder).await;
    let client = Client::builder().connect(&server.url()).await.unwrap();
    let work = client.peer().call::<String>("work", ()).start();
    until(|| server.stats().in_flight == 1).await;
    let (long, short) =
        (server.shutdown(Duration::MAX), server.shutdown(Duration::from_millis(50)));
    soon(async { tokio::join!(long, short) }).await;
    let Err(CallError::Closed { reason, .. }) = soon(work).await else { panic!() };
    assert_eq!(reason.code, Some(CloseCode::RESTARTING));
}

#[tokio::test]
async fn the_end_waits_for_on_disconnect_but_not_for_ever() {
    let short = limits(|limits| limits.close = Duration::from_millis(100));
    let stuck = |_, _| std::future::pending();
    let server = spawn(echo().limits(short).on_disconnect(stuck)).await;
    let client = Client::builder().connect(&server.url()).await.unwrap();
    soon(server.shutdown(LONG)).await;
    drop(client);
}

#[tokio::test]
async fn handshakes_under_way_are_broken_off() {
    let stuck = |_: Connecting| std::future::pending::<Result<(), Rejection>>();
    let server = spawn(echo().on_connect(stuck)).await;
    let (mut asking, mut silent) = (Raw::connect(&server).await, Raw::connect(&server).await);
    asking.send(support::HANDSHAKE).await;
    silent.send("GET / HT").await;
    soon(server.shutdown(LONG)).await;
    assert_eq!(asking.rest().await, "");
    assert_eq!(silent.rest().await, "");
}

/// A connection that was being made while the peers were told to end heard nothing of it, and the
/// server waited for it for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_made_during_the_shutdown_ends_too() {
    for _ in 0..200 {
        let server = spawn(echo()).await;
        let mut knocking = Vec::new();
        for _ in 0..8 {
            let mut raw = Raw::connect(&server).await;
            knocking.push(tokio::spawn(async move {
                raw.send(support::HANDSHAKE).await;
                while raw.frame().await.is_some() {}
            }));
        }
        soon(server.shutdown(LONG)).await;
        for raw in knocking {
            soon(raw).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_server_that_is_served_in_place_ends_by_its_handle() {
    let server = bind(echo()).await;
    let handle = server.handle();
    let url = server.url();
    let serving = tokio::spawn(server.serve());
    let client = Client::builder().connect(&url).await.unwrap();
    soon(handle.shutdown(LONG)).await;
    soon(serving).await.unwrap();
    soon(client.closed()).await;
    soon(handle.shutdown(LONG)).await; // once more is fine
}

#[tokio::test]
async fn to_stop_serving_closes_the_door_and_nothing_else() {
    let server = bind(echo()).await;
    let (handle, url) = (server.handle(), server.url());
    let serving = tokio::spawn(server.serve());
    let client = Client::builder().connect(&url).await.unwrap();
    serving.abort();
    let refused = async { while TcpStream::connect(handle.local_addr().unwrap()).await.is_ok() {} };
    soon(refused).await;
    assert_eq!(client.peer().call::<String>("echo", ("hi",)).await.unwrap(), "hi");
    soon(handle.shutdown(LONG)).await;
}

#[tokio::test]
async fn a_server_goes_on_without_handles() {
    let url = spawn(echo()).await.url();
    tokio::task::yield_now().await;
    let client = Client::builder().connect(&url).await.unwrap();
    assert_eq!(client.peer().call::<String>("echo", ("hi",)).await.unwrap(), "hi");
}

/// Its handler is done: it has as long as a close may take to fetch what that came to.
#[tokio::test]
async fn who_does_not_fetch_an_answer_holds_no_shutdown() {
    let huge = |_: Context, (): ()| async { Ok("x".repeat(20_000_000)) };
    let builder = Server::builder().service(Router::new().method("huge", huge));
    let server = spawn(builder.limits(limits(|limits| {
        limits.message_out = 32_000_000;
        limits.slow_reader = LONG;
        limits.close = Duration::from_millis(50);
    })))
    .await;
    let mut deaf = Raw::connect(&server).await;
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"huge"}"#;
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    deaf.send(format!("{head}\r\nContent-Length: {}\r\n\r\n{message}", message.len())).await;
    assert!(deaf.some().await, "the answer has begun");
    soon(server.shutdown(Duration::ZERO)).await;
}
