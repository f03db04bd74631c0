//! A service that asks for callers of one type never runs under an `on_connect` that gives another.

mod support;

use std::convert::Infallible;

use rpc_client::{Client, ConnectError};
use rpc_core::layers::Tracing;
use rpc_core::{CallError, Context, ErrorObject, Router, Service};
use rpc_server::{Connecting, Error, Rejection, Server, ServerBuilder};
use support::{soon, spawn};

struct User(&'static str);

struct Admin;

/// Offers `name`, which tells who calls.
fn whoami(name: &'static str) -> Router {
    Router::new().method(name, |cx: Context, (): ()| async move {
        let user = cx.caller::<User>().ok_or_else(|| ErrorObject::new(1, "nobody"))?;
        Ok(user.0)
    })
}

/// Asks for a [`User`], within a layer and another router.
fn club() -> ServerBuilder {
    let inner = Router::new().service(whoami("whoami").requires_caller::<User>());
    Server::builder().service(whoami("who")).service(inner.layer(Tracing::new()))
}

async fn refused(builder: ServerBuilder) -> String {
    let error = builder.bind("127.0.0.1:0").await.expect_err("the caller is another");
    assert!(matches!(error, Error::Caller { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_hook_of_another_type_is_told_of_at_the_start() {
    let text = refused(club().on_connect(|_: Connecting| async { Ok(Admin) })).await;
    assert_eq!(
        text,
        "a service asks for callers of the type `callers::User`, and `on_connect` gives `callers::Admin`: return \
         `Result<callers::User, Rejection>` from `on_connect`, also where callers log in by a message, or let the \
         service ask for `callers::Admin`"
    );
    let text = refused(club()).await;
    assert!(text.ends_with(
        "the server has no `on_connect`, which gives it: add `.on_connect(…)` that returns \
         `Result<callers::User, Rejection>`"
    ));
}

#[tokio::test]
async fn a_mounted_server_is_told_as_well() {
    let builder = club().on_connect(|_: Connecting| async { Ok(Admin) });
    assert!(matches!(builder.into_tower_service(), Err(Error::Caller { given: Some(_), .. })));
    let builder = club().on_connect(|_: Connecting| async { Ok(User("Ada")) });
    assert!(builder.into_tower_service().is_ok());
}

#[tokio::test]
async fn services_that_ask_for_two_types_cannot_be_offered_together() {
    let builder = club().service(whoami("admin").requires_caller::<Admin>());
    let error = builder.on_connect(|_: Connecting| async { Ok(User("Ada")) });
    let error = error.bind("127.0.0.1:0").await.expect_err("there is one caller");
    assert!(matches!(error, Error::Router(_)), "{error:?}");
    assert!(error.to_string().contains("`callers::User`"), "{error}");
}

#[tokio::test]
async fn the_right_type_is_served_and_services_that_ask_for_none_take_any() {
    let server = spawn(club().on_connect(|_: Connecting| async { Ok(User("Ada")) })).await;
    let client = Client::builder().connect(server.url()).await.unwrap();
    assert_eq!(soon(client.peer().call::<String>("whoami", ())).await.unwrap(), "Ada");
    assert_eq!(soon(client.peer().call::<String>("who", ())).await.unwrap(), "Ada");

    let open = Server::builder().service(whoami("who"));
    let server = spawn(open.on_connect(|_: Connecting| async { Ok(Admin) })).await;
    let client = Client::builder().connect(server.url()).await.unwrap();
    let error = soon(client.peer().call::<String>("who", ())).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(error) if error.message == "nobody"));
}

#[tokio::test]
async fn a_client_has_no_callers_to_give() {
    let server = spawn(Server::builder().service(whoami("who"))).await;
    let client = Client::builder().service(whoami("whoami").requires_caller::<User>());
    let error = client.connect(server.url()).await.expect_err("it knows no caller");
    assert!(matches!(error, ConnectError::Caller(_)), "{error:?}");
    assert!(error.to_string().contains("`callers::User`"), "{error}");
}

/// A guest's login is checked when it happens, since nothing tells its type before: it fails rather than let in
/// someone whom no method knows.
#[tokio::test]
async fn a_guest_that_logs_in_as_another_type_stays_a_guest() {
    let login = Router::new()
        .method("login", |cx: Context, (): ()| async move { Ok(cx.peer().log_in(User("Eve"))) })
        .method("wrong", |cx: Context, (): ()| async move { Ok(cx.peer().log_in(Admin)) });
    let hook = |_: Connecting| async { Err::<User, _>(Rejection::until_login(["login", "wrong"])) };
    let server = spawn(club().service(login).on_connect(hook)).await;
    let client = Client::builder().connect(server.url()).await.unwrap();
    let peer = client.peer();
    let error = soon(peer.call::<bool>("wrong", ())).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(error) if error.code == -32603));
    assert!(soon(peer.call::<String>("whoami", ())).await.is_err(), "still a guest");
    assert!(soon(peer.call::<bool>("login", ())).await.unwrap());
    assert_eq!(soon(peer.call::<String>("whoami", ())).await.unwrap(), "Eve");

    // A hook that names no type of its own is told to name the one of the login.
    let hook = |_: Connecting| async { Err::<Infallible, _>(Rejection::until_login(["who"])) };
    let text = refused(club().on_connect(hook)).await;
    assert!(text.contains("also where callers log in by a message"), "{text}");
}
