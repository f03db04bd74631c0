//! Who may connect, what is known of them, and what is heard of their end.

mod support;

use std::sync::Arc;
use std::time::Duration;

use rpc_client::{Client, ConnectError};
use rpc_core::types::ClosedBy;
use rpc_core::{CallError, CloseCode, CloseReason, Context, Limits, Peer, Router};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, StatusCode};
use support::{Raw, echo, limits, soon, spawn, until};
use tokio::sync::{Semaphore, mpsc};

/// Adds a hook that passes on what it is told.
fn heard(builder: ServerBuilder) -> (ServerBuilder, mpsc::UnboundedReceiver<(Peer, CloseReason)>) {
    let (tell, heard) = mpsc::unbounded_channel();
    let builder = builder.on_disconnect(move |peer, reason| {
        let _ = tell.send((peer, reason));
        async {}
    });
    (builder, heard)
}

#[derive(Debug)]
struct User(String);

fn by_name() -> ServerBuilder {
    let whoami =
        |cx: Context, (): ()| async move { Ok(cx.caller::<User>().map(|user| user.0.clone())) };
    Server::builder().service(Router::new().method("whoami", whoami)).on_connect(
        |connecting: Connecting| async move {
            assert!(connecting.client_addr().unwrap().is_loopback());
            assert_eq!(connecting.method(), "GET");
            match (connecting.header("x-user"), connecting.query("user")) {
                (Some(name), _) => Ok(User(name.to_owned())),
                (_, Some(name)) => Ok(User(name.into_owned())),
                _ => Err(Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")
                    .header("www-authenticate", "Bearer")),
            }
        },
    )
}

#[tokio::test]
async fn what_on_connect_returns_is_the_session() {
    let server = spawn(by_name()).await;
    let ada = Client::builder().header("x-user", "Ada").connect(&server.url()).await.unwrap();
    let url = format!("{}/?user=Bob%20B", server.url());
    let bob = Client::builder().connect(&url).await.unwrap();
    assert_eq!(ada.peer().call::<String>("whoami", ()).await.unwrap(), "Ada");
    assert_eq!(bob.peer().call::<String>("whoami", ()).await.unwrap(), "Bob B");
}

/// A proxy that knows the users writes their names as they are.
#[tokio::test]
async fn a_header_that_is_no_ascii_is_read_as_well() {
    let server = spawn(by_name()).await;
    let zoe = Client::builder().header("x-user", "Zoë").connect(&server.url()).await.unwrap();
    assert_eq!(zoe.peer().call::<String>("whoami", ()).await.unwrap(), "Zoë");
}

#[tokio::test]
async fn a_rejection_is_the_http_answer() {
    let server = spawn(by_name()).await;
    let error = Client::builder().connect(&server.url()).await.unwrap_err();
    let ConnectError::Rejected { status, body, .. } = error else { panic!("{error}") };
    assert_eq!((status, body.as_str()), (StatusCode::UNAUTHORIZED, "who are you?"));

    let mut raw = Raw::connect(&server).await;
    raw.send(support::HANDSHAKE).await;
    let answer = raw.rest().await;
    assert!(answer.contains("\r\nwww-authenticate: Bearer\r\n"), "{answer}");
    drop(raw);
    until(|| server.stats().refused == 2).await;
}

#[tokio::test]
async fn the_client_can_be_called_as_soon_as_it_is_there() {
    let (tell, mut heard) = mpsc::unbounded_channel();
    let server = spawn(echo().on_connect(move |connecting: Connecting| {
        let (peer, tell) = (connecting.peer(), tell.clone());
        async move {
            tokio::spawn(async move { tell.send(peer.call::<String>("your_name", ()).await) });
            Ok(())
        }
    }))
    .await;
    let me = Router::new().method("your_name", |_: Context, (): ()| async { Ok("Ada") });
    let _client = Client::builder().service(me).connect(&server.url()).await.unwrap();
    assert_eq!(soon(heard.recv()).await.unwrap().unwrap(), "Ada");
}

#[tokio::test]
async fn calls_to_a_client_that_is_not_let_in_fail() {
    let (tell, mut heard) = mpsc::unbounded_channel();
    let server = spawn(echo().on_connect(move |connecting: Connecting| {
        let call = connecting.peer().call::<String>("your_name", ()).start();
        let _ = tell.send(call);
        async { Err::<(), _>(Rejection::new(StatusCode::FORBIDDEN, "no")) }
    }))
    .await;
    assert!(Client::builder().connect(&server.url()).await.is_err());
    let call = soon(heard.recv()).await.unwrap();
    assert!(matches!(soon(call).await, Err(CallError::Closed { .. })));
    assert!(server.peers().is_empty());
}

#[tokio::test]
async fn on_disconnect_hears_who_left_and_why() {
    let (builder, mut heard) = heard(echo());
    let server = spawn(builder).await;
    let client = Client::builder().connect(&server.url()).await.unwrap();
    let id = server.peers()[0].id().to_owned();
    assert!(server.peer(&id).is_some());
    client.peer().close(CloseCode::new(4000), "bye");
    let (peer, reason) = soon(heard.recv()).await.unwrap();
    assert_eq!(peer.id(), id);
    assert!(server.peer(&id).is_none(), "it is gone by then");
    assert_eq!(reason, CloseReason::new(ClosedBy::Peer, CloseCode::new(4000), "bye"));
    assert_eq!(server.stats().closes["other"], 1);
}

/// A client that is gone before the answer could be written was let in all the same, and whoever
/// counts in `on_connect` must be able to count down.
#[tokio::test]
async fn on_disconnect_is_told_of_everyone_who_was_let_in() {
    let (builder, mut heard) = heard(echo());
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let server = spawn(builder.on_connect(move |_| {
        let gate = opened.clone();
        async move {
            let _ = gate.acquire().await;
            Ok(())
        }
    }))
    .await;
    let mut raw = Raw::connect(&server).await;
    // Bytes behind the request keep hyper from noticing the reset before it writes.
    raw.send([support::HANDSHAKE.as_bytes(), &support::frame(support::TEXT, b"{}")].concat()).await;
    raw.reset();
    gate.add_permits(1);
    let (peer, reason) = soon(heard.recv()).await.unwrap();
    assert!(peer.is_closed());
    assert_eq!(reason.by, ClosedBy::Link, "{reason}");
}

#[tokio::test]
async fn an_on_connect_that_takes_too_long_is_stopped() {
    let short = limits(|limits| limits.handshake = Duration::from_millis(100));
    let (tell, mut heard) = mpsc::unbounded_channel();
    let server = spawn(echo().limits(short).on_connect(move |connecting: Connecting| {
        let _ = tell.send(connecting.peer());
        std::future::pending::<Result<(), Rejection>>()
    }))
    .await;
    let error = Client::builder().connect(&server.url()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Handshake(_)), "{error}");
    soon(heard.recv().await.unwrap().closed()).await;
}

#[tokio::test]
async fn an_on_connect_whose_client_goes_away_is_stopped() {
    let patient = limits(|limits| limits.handshake = Duration::from_secs(3600));
    let (tell, mut heard) = mpsc::unbounded_channel();
    let server = spawn(echo().limits(patient).on_connect(move |connecting: Connecting| {
        let _ = tell.send(connecting.peer());
        std::future::pending::<Result<(), Rejection>>()
    }))
    .await;
    let mut raw = Raw::connect(&server).await;
    raw.send(support::HANDSHAKE).await;
    let peer = soon(heard.recv()).await.unwrap();
    drop(raw);
    soon(peer.closed()).await;
}

#[tokio::test]
async fn a_panic_in_a_hook_harms_that_connection_only() {
    let server = spawn(
        echo()
            .limits(limits(|limits: &mut Limits| limits.connections = 2))
            .on_connect(|connecting: Connecting| {
                assert!(connecting.query("now").is_none(), "secret");
                async move {
                    assert!(connecting.query("later").is_none(), "secret");
                    Ok(())
                }
            })
            .on_disconnect(|_, _| async { panic!("secret") }),
    )
    .await;
    for when in ["now", "later", "now", "later"] {
        let url = format!("{}/?{when}", server.url());
        let error = Client::builder().connect(&url).await.unwrap_err();
        let ConnectError::Rejected { status, body, .. } = error else { panic!("{error}") };
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.contains("secret"));
    }
    for _ in 0..4 {
        let connect = async {
            loop {
                // The place of the last one may not be free yet.
                match Client::builder().connect(&server.url()).await {
                    Ok(client) => break client,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        soon(connect).await.close().await;
    }
}
