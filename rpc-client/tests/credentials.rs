//! Tokens that a client asks its program for at each attempt to connect.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_client::{Client, ClientBuilder, ConnectError, StatusCode};
use rpc_core::{Context, Router};
use rpc_server::{Connecting, Rejection, Server};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SECRET: &str = "s3cr3t";

/// A URL at which nobody listens.
const NOBODY: &str = "ws://127.0.0.1:1";

/// A server that lets in all whose token begins with the secret. Its method tells the token.
async fn server() -> Server {
    let token = |cx: Context, (): ()| async move { Ok(cx.caller::<String>().unwrap().to_string()) };
    let builder = Server::builder().service(Router::new().method("token", token)).on_connect(
        |connecting: Connecting| async move {
            match connecting.bearer_token() {
                Some(token) if token.starts_with(SECRET) => Ok(token.to_owned()),
                _ => Err(Rejection::new(StatusCode::UNAUTHORIZED, "wrong token")),
            }
        },
    );
    builder.bind("127.0.0.1:0").await.unwrap().spawn()
}

async fn token(client: &Client) -> String {
    client.peer().call("token", ()).await.unwrap()
}

/// The error of an attempt, which shows no secret.
async fn error(builder: &ClientBuilder, url: &str) -> ConnectError {
    let error = builder.clone().connect(url).await.unwrap_err();
    let shown = format!("{error} {error:?} {builder:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    error
}

#[tokio::test]
async fn a_token_is_asked_for_at_each_attempt() {
    let server = server().await;
    let count = Arc::new(AtomicUsize::new(0));
    let asked = count.clone();
    let builder = Client::builder().header("authorization", "Basic x").bearer_token(move || {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move { format!("{SECRET}{number}") }
    });
    assert_eq!(count.load(Ordering::SeqCst), 0);
    let first = builder.clone().connect(server.url()).await.unwrap();
    let second = builder.clone().connect(server.url()).await.unwrap();
    let stream = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    let third = builder.connect_over(stream, server.url()).await.unwrap();
    let tokens = [token(&first).await, token(&second).await, token(&third).await];
    assert_eq!(tokens, [0, 1, 2].map(|number| format!("{SECRET}{number}")));
}

#[tokio::test]
async fn a_token_that_the_server_refuses_is_not_shown() {
    let server = server().await;
    let builder = Client::builder().bearer_token(|| async { format!("not-{SECRET}") });
    let error = error(&builder, &server.url()).await;
    assert!(matches!(error, ConnectError::Rejected { status: StatusCode::UNAUTHORIZED, .. }));
    assert!(!error.may_retry());
}

#[tokio::test]
async fn without_a_token_no_server_is_dialled() {
    let builder =
        Client::builder().bearer_token(|| async { Err::<String, _>("the vault is closed") });
    let error = error(&builder, NOBODY).await;
    assert_eq!(error.to_string(), "no credentials: the vault is closed");
    assert!(matches!(error, ConnectError::Credentials(_)) && error.may_retry());
}

#[tokio::test]
async fn a_panic_of_the_provider_harms_only_its_attempt() {
    let server = server().await;
    let turns = Mutex::new(0..3);
    let builder = Client::builder().bearer_token(move || {
        let turn = turns.lock().unwrap().next().unwrap();
        // Beside the future, and in it.
        assert_ne!(turn, 0, "{SECRET}");
        async move {
            assert_ne!(turn, 1, "{SECRET}");
            SECRET.to_owned()
        }
    });
    for _ in 0..2 {
        let error = error(&builder, &server.url()).await;
        assert_eq!(error.to_string(), "no credentials: its provider panicked");
    }
    let client = builder.connect(server.url()).await.unwrap();
    assert_eq!(token(&client).await, SECRET);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_provider_counts_and_it_is_dropped_at_the_end() {
    let alive = Arc::new(());
    let provider = alive.clone();
    let builder =
        Client::builder().connect_timeout(Duration::from_secs(3)).bearer_token(move || {
            let alive = provider.clone();
            async move {
                pending::<()>().await;
                drop(alive);
                SECRET.to_owned()
            }
        });
    let begin = tokio::time::Instant::now();
    let connecting = error(&builder, NOBODY);
    let error = timeout(Duration::from_secs(60), connecting).await.unwrap();
    assert!(matches!(error, ConnectError::Timeout(time) if time == Duration::from_secs(3)));
    assert_eq!(begin.elapsed(), Duration::from_secs(3));
    drop(builder);
    assert_eq!(Arc::strong_count(&alive), 1);
}
