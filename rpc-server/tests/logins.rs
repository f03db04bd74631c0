//! Guests, logins that end, and those who are thrown out, over real sockets.

mod support;

use std::sync::Arc;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CallError, CloseCode, Context, Peer, Router};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder};
use support::{Raw, limits, soon, spawn, until};
use tokio::sync::Semaphore;

struct User(String);

/// Whoever has a header is let in, anyone else must log in by a message.
fn club() -> ServerBuilder {
    let router = Router::new()
        .method("login", |cx: Context, (name,): (String,)| async move {
            Ok(cx.peer().log_in(User(name)))
        })
        .method("length", |_: Context, (text,): (String,)| async move { Ok(text.len()) })
        .method("wait", |_: Context, (): ()| std::future::pending::<rpc_core::Result<()>>());
    Server::builder().service(router).on_connect(|connecting: Connecting| {
        let user = connecting.header("x-user").map(|name| User(name.to_owned()));
        std::future::ready(user.ok_or_else(|| Rejection::until_login(["login"])))
    })
}

fn is(name: &'static str) -> impl Fn(&Peer) -> bool {
    move |peer| peer.caller::<User>().is_some_and(|user| user.0 == name)
}

#[tokio::test]
async fn a_guest_may_send_long_messages_when_it_has_logged_in() {
    let server = spawn(club()).await;
    let client = Client::builder().connect(server.url()).await.unwrap();
    let peer = client.peer();
    until(|| server.stats().guests == 1).await;
    let refused = soon(peer.call::<usize>("length", ("x",))).await.unwrap_err();
    assert!(matches!(&refused, CallError::Remote(error) if error.code == -32013), "{refused:?}");
    assert!(soon(peer.call::<bool>("login", ("Ada",))).await.unwrap());
    assert_eq!(server.stats().guests, 0);
    let long = "x".repeat(500_000);
    assert_eq!(soon(peer.call::<usize>("length", (&long,))).await.unwrap(), long.len());

    // A guest's message of that length is not even taken in.
    let mut raw = Raw::open(&server).await;
    raw.send_text(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"login","params":["{long}"]}}"#))
        .await;
    assert_eq!(raw.close_frame().await.0, 1009);
}

#[tokio::test]
async fn there_are_so_many_guests_and_each_for_a_short_time() {
    let builder = club().limits(limits(|limits| {
        limits.guests = 2;
        limits.login = Duration::from_millis(300);
    }));
    let server = spawn(builder).await;
    let mut guests = [Raw::open(&server).await, Raw::open(&server).await];
    let mut third = Raw::connect(&server).await;
    third.send(support::HANDSHAKE).await;
    let answer = third.rest().await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("not logged in"), "{answer}");
    // Who can say at once who it is needs no place of a guest.
    let known = Client::builder().header("x-user", "Ada").connect(server.url()).await.unwrap();
    for guest in &mut guests {
        assert_eq!(guest.close_frame().await, (4401, "not logged in in time".to_owned()));
    }
    drop(guests);
    until(|| server.stats().guests == 0).await;
    // And there is room for others.
    let again = Client::builder().connect(server.url()).await.unwrap();
    assert!(soon(again.peer().call::<bool>("login", ("Ben",))).await.unwrap());
    assert!(!known.peer().is_closed());
}

#[tokio::test]
async fn a_guest_may_try_so_often_and_others_try_on() {
    let builder = club().limits(limits(|limits| {
        limits.login_attempts = 3;
        limits.login = Duration::from_secs(3600);
    }));
    let server = spawn(builder).await;
    let honest = Client::builder().connect(server.url()).await.unwrap();
    let mut guessing = Raw::open(&server).await;
    for id in 0..3 {
        // It is not even one that the method could read.
        guessing.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"login"}}"#)).await;
        assert!(guessing.text().await.contains("-32602"));
    }
    let told = guessing.close_frame().await;
    assert_eq!(told, (4401, "too many attempts to log in".to_owned()));
    drop(guessing);
    until(|| server.stats().reasons.contains_key("too many attempts to log in")).await;
    assert!(soon(honest.peer().call::<bool>("login", ("Ada",))).await.unwrap());
}

#[tokio::test]
async fn a_login_that_has_expired_ends_the_connection() {
    let builder = club().on_connect(|connecting: Connecting| async move {
        connecting.peer().set_expiry(Duration::from_millis(100));
        Ok::<_, Rejection>(User("Ada".into()))
    });
    let server = spawn(builder).await;
    let client = Client::builder().connect(server.url()).await.unwrap();
    let reason = soon(client.closed()).await;
    assert_eq!(reason.code, Some(CloseCode::NOT_AUTHENTICATED));
    assert_eq!(reason.reason, "the login has expired");
}

#[tokio::test]
async fn whoever_is_kicked_is_gone_though_it_reads_nothing_and_others_stay() {
    let server = spawn(club()).await;
    let connect =
        async |name| Client::builder().header("x-user", name).connect(server.url()).await.unwrap();
    let (ada, ben) = (connect("Ada").await, connect("Ben").await);
    let mut deaf = Raw::connect(&server).await;
    deaf.send(support::HANDSHAKE.replace("Host:", "X-User: Ada\r\nHost:")).await;
    until(|| server.peers().len() == 3).await;
    for peer in server.peers() {
        peer.join_group("all").unwrap();
    }
    let waiting = ada.peer().call::<()>("wait", ()).start();
    until(|| server.stats().serving.contains_key("wait")).await;
    let wait = server.stats().serving["wait"];
    assert_eq!(wait.count, 1);

    assert_eq!(server.kick(is("Ada"), CloseCode::FORBIDDEN, "revoked"), 2);
    assert_eq!(server.group("all").members().len(), 1);
    assert!(matches!(soon(waiting).await, Err(CallError::Closed { .. })));
    let reason = soon(ada.closed()).await;
    assert_eq!((reason.code, &*reason.reason), (Some(CloseCode::FORBIDDEN), "revoked"));
    until(|| server.stats().connections == 1).await;
    assert_eq!(server.stats().closes["4403"], 2);
    assert_eq!(server.stats().reasons["revoked"], 2);
    assert!(!ben.peer().is_closed());
    drop(deaf);
}

/// One by a WebSocket, the other by a message whose end is still to come.
#[tokio::test]
async fn whoever_is_connecting_while_others_are_kicked_is_as_well() {
    let looked_up = Arc::new(Semaphore::new(0));
    let let_in = Arc::new(Semaphore::new(0));
    let (looks, lets) = (looked_up.clone(), let_in.clone());
    let server = spawn(club().on_connect(move |_: Connecting| {
        let (looks, lets) = (looks.clone(), lets.clone());
        async move {
            looks.add_permits(1);
            lets.acquire().await.unwrap().forget();
            Ok::<_, Rejection>(User("Ada".into()))
        }
    }))
    .await;
    let mut socket = Raw::connect(&server).await;
    socket.send(support::HANDSHAKE).await;
    let mut post = Raw::connect(&server).await;
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"length","params":["x"]}"#;
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    let length = message.len();
    post.send(format!("{head}\r\nContent-Length: {length}\r\n\r\n{{")).await;
    drop(soon(looked_up.acquire_many(2)).await.unwrap());

    assert_eq!(server.kick(is("Ada"), CloseCode::NOT_AUTHENTICATED, "revoked"), 0);
    let_in.add_permits(2);
    assert!(socket.head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(socket.close_frame().await, (4401, "revoked".to_owned()));
    post.send(&message[1..]).await;
    let answer = post.rest().await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.ends_with("revoked"), "{answer}");

    // It is a matter of that moment.
    let_in.add_permits(1);
    let client = Client::builder().connect(server.url()).await.unwrap();
    assert_eq!(soon(client.peer().call::<usize>("length", ("x",))).await, Ok(1));
}

#[tokio::test]
async fn a_guest_that_may_call_what_there_is_not_is_a_mistake_of_the_hook() {
    let builder = club()
        .on_connect(|_: Connecting| async { Err::<User, _>(Rejection::until_login(["log_in"])) });
    let server = spawn(builder).await;
    let mut raw = Raw::connect(&server).await;
    raw.send(support::HANDSHAKE).await;
    assert!(raw.rest().await.starts_with("HTTP/1.1 500 "));
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let builder = club().limits(limits(|limits| limits.connections_per_address = 2));
    let server = spawn(builder).await;
    let first = Raw::open(&server).await;
    let _second = Raw::open(&server).await;
    let mut third = Raw::connect(&server).await;
    third.send(support::HANDSHAKE).await;
    let answer = third.rest().await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert!(answer.contains("as many connections as it may have"), "{answer}");
    drop(first);
    until(|| server.stats().connections == 1).await;
    drop(
        soon(async {
            loop {
                let mut raw = Raw::connect(&server).await;
                raw.send(support::HANDSHAKE).await;
                if raw.head().await.starts_with("HTTP/1.1 101 ") {
                    break raw;
                }
            }
        })
        .await,
    );
}
