//! Clients that know several servers.

mod wire;

use std::time::Duration;

use rpc_client::{Client, ConnectError, Fallback, Reconnect, State, StatusCode};
use rpc_core::{Context, Router};
use rpc_server::{Rejection, Server, Sessions};
use tokio::net::TcpListener;
use wire::{Wire, client, quick, soon};

/// Nobody is there.
const NOBODY: &str = "ws://127.0.0.1:1";

fn named(name: &'static str) -> Router {
    Router::new().method("name", move |_: Context, (): ()| async move { Ok(name) })
}

async fn server(name: &'static str) -> Server {
    let server = Server::builder().service(named(name)).sse(true).sessions(Sessions::new());
    server.bind("127.0.0.1:0").await.unwrap().spawn()
}

async fn name(client: &Client) -> String {
    soon(client.peer().call::<String>("name", ())).await.unwrap()
}

fn host(server: &Server) -> String {
    server.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn the_first_server_that_answers_is_taken() {
    let (a, b) = (server("a").await, server("b").await);
    for fallback in [Fallback::Never, Fallback::WhenFails, Fallback::Always] {
        for reconnect in [None, Some(Reconnect::default())] {
            let mut builder = Client::builder().fallback(fallback).alternative(a.url());
            builder = builder.alternative(b.url());
            if let Some(policy) = reconnect {
                builder = builder.reconnect(policy);
            }
            let client = soon(builder.clone().connect(NOBODY)).await.unwrap();
            assert_eq!((name(&client).await, &*client.host()), ("a".into(), &*host(&a)));
            let client = soon(builder.connect(b.url())).await.unwrap();
            assert_eq!((name(&client).await, &*client.host()), ("b".into(), &*host(&b)));
        }
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_passed_over_and_only_if_all_do_the_client_ends() {
    let b = server("b").await;
    let refusing = Server::builder()
        .service(named("a"))
        .on_connect(|_| async { Err::<(), _>(Rejection::new(StatusCode::FORBIDDEN, "not you")) });
    let refusing = refusing.bind("127.0.0.1:0").await.unwrap().spawn();
    let client = Client::builder().alternative(b.url()).connect(refusing.url()).await.unwrap();
    assert_eq!(name(&client).await, "b");
    for reconnect in [false, true] {
        let mut builder = Client::builder().alternative(refusing.url());
        if reconnect {
            builder = builder.reconnect(Reconnect::default());
        }
        let error = soon(builder.clone().connect(refusing.url())).await.unwrap_err();
        assert!(matches!(error, ConnectError::Rejected { .. }), "{error}");
        // The first error that allows another attempt says more of what may help.
        let error = soon(builder.connect(NOBODY)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Io { .. }), "{error}");
    }
    // A client that waits hears of the refusal only if nobody else may answer.
    let policy = Reconnect::default().wait_for_first(true);
    let builder = Client::builder().alternative(refusing.url()).reconnect(policy);
    let error = soon(builder.connect(refusing.url())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Rejected { .. }), "{error}");
}

#[tokio::test]
async fn calls_go_on_at_the_next_server_when_one_is_gone() {
    let (a, b) = (server("a").await, server("b").await);
    let (builder, mut states) = client(quick());
    let client = builder.alternative(b.url()).connect(a.url()).await.unwrap();
    assert_eq!(name(&client).await, "a");
    a.shutdown(Duration::ZERO).await;
    drop(a);
    assert_eq!(name(&client).await, "b", "it waited for the next link");
    assert_eq!(&*client.host(), host(&b));
    states.until(|state| matches!(state, State::Fresh { .. })).await;
}

#[tokio::test]
async fn the_server_of_a_session_is_asked_before_a_preferred_one() {
    let b = server("b").await;
    let wire = Wire::to(b.local_addr().unwrap()).await;
    // Where `a` will be, when `b` has the session.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (builder, mut states) = client(quick());
    let builder = builder.alternative(wire.url());
    let client = builder.connect(format!("ws://{address}")).await.unwrap();
    states.up().await;
    assert_eq!(name(&client).await, "b");
    let a = Server::builder().service(named("a")).sessions(Sessions::new());
    let _a = a.bind(address).await.unwrap().spawn();
    wire.cut();
    assert!(matches!(states.up().await, State::Up { resumed: true, .. }));
    assert_eq!(name(&client).await, "b");
    assert!(wire.url().contains(&*client.host()));
    // Without a session to resume, the order counts again.
    soon(client.new_session()).await.unwrap();
    assert_eq!((name(&client).await, &*client.host()), ("a".into(), &*address.to_string()));
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_an_error_whichever_it_is() {
    let error = Client::builder().alternative("http://x").connect(NOBODY).await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(_)), "{error}");
    let (near, _far) = tokio::io::duplex(64);
    let builder = Client::builder().alternative(NOBODY);
    let error = builder.connect_over(near, NOBODY).await.unwrap_err();
    assert!(error.to_string().contains("leave out `alternative`"), "{error}");
}
