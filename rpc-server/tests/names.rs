//! Peers by the name of their caller, and what becomes of a second one, over real sockets.

mod support;

use std::sync::Arc;

use rpc_client::{Client, ConnectError};
use rpc_core::types::IdentifyError;
use rpc_core::{CloseCode, Context, ErrorObject, Router, SameName};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, StatusCode};
use support::{Raw, soon, spawn, until};
use tokio::sync::mpsc;

/// Whoever has a header has a name, anyone else must log in by a message.
fn club(same_name: SameName) -> ServerBuilder {
    let router = Router::new()
        .method("login", |cx: Context, (user,): (String,)| async move {
            let taken = |error: IdentifyError| ErrorObject::new(1, error.to_string());
            cx.peer().identify(user).map_err(taken)?;
            Ok(cx.peer().log_in(()))
        })
        .method("whoami", |cx: Context, (): ()| async move {
            Ok(cx.peer().identity().map(|name| name.to_string()))
        });
    Server::builder().service(router).same_name(same_name).on_connect(
        |connecting: Connecting| async move {
            let name = connecting.header("x-user");
            let name = name.ok_or_else(|| Rejection::until_login(["login"]))?;
            connecting.peer().identify(name)?;
            if connecting.header("x-token") == Some("wrong") {
                return Err(Rejection::new(StatusCode::FORBIDDEN, "who are you?"));
            }
            Ok(())
        },
    )
}

async fn connect(server: &Server, name: &str) -> Result<Client, ConnectError> {
    soon(Client::builder().header("x-user", name).connect(server.url())).await
}

#[tokio::test]
async fn the_peers_of_a_user_are_found_by_the_name() {
    let server = spawn(club(SameName::Both)).await;
    let [one, _two] =
        [connect(&server, "ada").await.unwrap(), connect(&server, "ada").await.unwrap()];
    let _ben = connect(&server, "ben").await.unwrap();
    until(|| server.peers().len() == 3).await;
    assert_eq!(server.peers_of("ada"), server.peers()[..2]);
    assert_eq!(server.peers_of("eve"), []);
    one.close().await;
    until(|| server.peers_of("ada").len() == 1).await;
}

#[tokio::test]
async fn a_second_connection_is_refused_with_409_and_a_guest_by_the_login() {
    let server = spawn(club(SameName::Refuse)).await;
    let first = connect(&server, "ada").await.unwrap();
    let ConnectError::Rejected { status, body, .. } = connect(&server, "ada").await.unwrap_err()
    else {
        panic!("it is refused")
    };
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(body.as_str(), "there is a connection with this name");
    let guest = Client::builder().connect(server.url()).await.unwrap();
    let login = guest.peer().call::<bool>("login", ("ada",));
    let error = soon(login).await.unwrap_err().to_string();
    assert_eq!(error, "another connection has this name (code 1)");
    until(|| server.stats().guests == 1).await;

    // A message by `POST` is no second connection.
    let mut raw = Raw::connect(&server).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"whoami"}"#;
    let head =
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-User: ada\r\nContent-Type: application/json";
    raw.send(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    let answer = raw.rest().await;
    assert!(answer.ends_with(r#"{"jsonrpc":"2.0","id":1,"result":"ada"}"#), "{answer}");

    first.close().await;
    until(|| server.peers_of("ada").is_empty()).await;
    assert!(soon(guest.peer().call::<bool>("login", ("ada",))).await.unwrap());
}

#[tokio::test]
async fn a_name_that_is_too_long_is_a_mistake_of_the_hook() {
    let server = spawn(club(SameName::Both)).await;
    let error = connect(&server, &"x".repeat(257)).await.unwrap_err();
    let ConnectError::Rejected { status, .. } = error else { panic!("{error}") };
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn the_first_connection_is_closed_with_4409_when_the_second_is_let_in() {
    let (tell, mut heard) = mpsc::unbounded_channel();
    let builder = club(SameName::Replace).on_disconnect(move |peer, reason| {
        let _ = tell.send((reason.code, peer.namesakes().len()));
        std::future::ready(())
    });
    let server = spawn(builder).await;
    let first = connect(&server, "ada").await.unwrap();
    until(|| server.peers_of("ada").len() == 1).await;
    // One that has the name and is not let in.
    let rejected = Client::builder().header("x-user", "ada").header("x-token", "wrong");
    assert!(soon(rejected.connect(server.url())).await.is_err());
    assert_eq!(
        soon(first.peer().call::<Option<String>>("whoami", ())).await.unwrap().as_deref(),
        Some("ada")
    );

    let second = connect(&server, "ada").await.unwrap();
    let reason = soon(first.closed()).await;
    assert_eq!(reason.code, Some(CloseCode::TAKEN_OVER));
    assert_eq!(reason.reason, "a later connection has the same name");
    let taken_over = Some(CloseCode::TAKEN_OVER);
    assert_eq!(soon(heard.recv()).await, Some((taken_over, 1)), "its user is still there");

    let guest = Client::builder().connect(server.url()).await.unwrap();
    assert!(soon(guest.peer().call::<bool>("login", ("ada",))).await.unwrap());
    assert_eq!(soon(second.closed()).await.code, taken_over);
    assert_eq!(soon(heard.recv()).await, Some((taken_over, 1)));
    guest.close().await;
    assert_eq!(soon(heard.recv()).await.unwrap().1, 0, "nobody is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_connect_at_once_one_is_left() {
    for same_name in [SameName::Refuse, SameName::Replace] {
        let server = Arc::new(spawn(club(same_name)).await);
        for _ in 0..20 {
            let connects = [(); 5].map(|()| {
                let server = server.clone();
                tokio::spawn(async move { connect(&server, "ada").await })
            });
            let mut let_in = Vec::new();
            for connect in connects {
                let_in.extend(connect.await.unwrap());
            }
            // Whoever answers has come in, or has given way.
            for client in &let_in {
                let _ = soon(client.peer().call::<Option<String>>("whoami", ())).await;
            }
            assert_eq!(server.peers_of("ada").len(), 1, "{same_name:?}");
            if same_name == SameName::Refuse {
                assert_eq!(let_in.len(), 1);
            }
            drop(let_in);
            until(|| server.peers().is_empty()).await;
        }
    }
}
