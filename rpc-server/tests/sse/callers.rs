//! Each request of a link passes the checks of a request for a connection, and must be of the same caller.

use rpc_core::{CloseCode, Context, Router, SameName};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, StatusCode};

use crate::by_hand::{Events, HELLO, Http, call, opening};
use crate::support::{limits, soon, spawn, until};
use crate::{asking, echo};

struct User(String);

async fn user(connecting: Connecting) -> Result<User, Rejection> {
    let user = connecting.header("x-user").map(ToOwned::to_owned);
    user.map(User).ok_or_else(|| Rejection::new(StatusCode::UNAUTHORIZED, "who are you?"))
}

fn named() -> ServerBuilder {
    asking().on_connect(|connecting: Connecting| async move {
        let peer = connecting.peer();
        let User(name) = user(connecting).await?;
        Ok(peer.identify(name)?)
    })
}

/// What the requests of a link come to with more headers: messages, the stream, a close.
async fn statuses(server: &Server, link: &str, headers: &str) -> [u16; 3] {
    let get = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nRpc-Link: {link}\r\n\
         Rpc-Received: 1\r\n{headers}\r\n"
    );
    let messages = format!("{headers}Rpc-First: 2\r\n");
    let close = format!("{headers}Rpc-Close: 1000\r\n");
    [
        Http::post(server, link, &messages, &call(1, "echo", "x")).await.status,
        Events::ask(server, &get).await.status,
        Http::post(server, link, &close, "").await.status,
    ]
}

#[tokio::test]
async fn another_caller_finds_no_link() {
    let by_value = asking().on_connect(user).same_caller(|old: &User, new: &User| old.0 == new.0);
    for builder in [named().same_name(SameName::Refuse), by_value] {
        let server = spawn(builder).await;
        let (_events, link) = Events::open_with(&server, "X-User: ada\r\n").await;
        assert_eq!(statuses(&server, &link, "X-User: bob\r\n").await, [404; 3]);
        assert_eq!(statuses(&server, &link, "").await, [401; 3]);
        assert_eq!(server.stats().connections, 1);
        assert_eq!(statuses(&server, &link, "X-User: ada\r\n").await, [204, 200, 204]);
        until(|| server.stats().connections == 0).await;
        // A link that is over is as one that never was.
        assert_eq!(statuses(&server, &link, "X-User: ada\r\n").await, [404; 3]);
    }
}

#[tokio::test]
async fn half_a_name_finds_no_link() {
    let server = spawn(asking()).await;
    let (_events, link) = Events::open_named(&server).await;
    let (lookup, secret) = link.split_once('.').unwrap();
    let other = format!("{:032x}", u128::from_str_radix(secret, 16).unwrap() ^ 1);
    for wrong in [lookup.to_owned(), format!("{lookup}.{other}"), format!(".{secret}"), "x".into()]
    {
        assert_eq!(statuses(&server, &wrong, "").await, [404; 3], "{wrong}");
    }
    assert_eq!(statuses(&server, &link, "").await, [204, 200, 204]);
}

#[tokio::test]
async fn foreign_pages_and_hosts_find_no_link() {
    let server = spawn(asking().allow_origins(["https://good.example"])).await;
    let (_events, link) = Events::open_named(&server).await;
    assert_eq!(statuses(&server, &link, "Origin: https://bad.example\r\n").await, [403; 3]);
    let foreign = opening("", HELLO).replace("localhost", "bad.example");
    assert_eq!(Events::ask(&server, &foreign).await.status, 403);
    let foreign = opening("Origin: https://bad.example\r\n", HELLO);
    assert_eq!(Events::ask(&server, &foreign).await.status, 403);
    assert_eq!(server.stats().connections, 1);
    assert_eq!(statuses(&server, &link, "Origin: https://good.example\r\n").await, [204, 200, 204]);
}

#[tokio::test]
async fn callers_that_nothing_compares_have_no_link() {
    let server = spawn(asking().on_connect(user)).await;
    let events = Events::ask(&server, &opening("X-User: ada\r\n", HELLO)).await;
    assert_eq!(events.status, 500);
    until(|| server.stats().connections == 0).await;
}

#[tokio::test]
async fn a_guest_logs_in_over_its_link() {
    let login = |cx: Context, (name,): (String,)| async move {
        cx.peer().log_in(User(name));
        Ok(())
    };
    let secret =
        |cx: Context, (): ()| async move { Ok(cx.caller::<User>().map(|user| user.0.clone())) };
    let router = Router::new().method("login", login).method("secret", secret);
    let builder = echo()
        .service(router)
        .sse(true)
        .on_connect(|_: Connecting| async { Err::<User, _>(Rejection::until_login(["login"])) });
    let server = spawn(builder.same_caller(|old: &User, new: &User| old.0 == new.0)).await;
    let (mut events, link) = Events::open_named(&server).await;
    let secret = r#"{"jsonrpc":"2.0","id":9,"method":"secret"}"#;
    Http::post(&server, &link, "Rpc-First: 2\r\n", secret).await;
    assert!(events.next().await.contains("-32013"));
    Http::post(&server, &link, "Rpc-First: 3\r\n", &call(1, "login", "ada")).await;
    assert!(events.next().await.contains("\"result\":null"));
    let answer = Http::post(&server, &link, "Rpc-First: 4\r\n", secret).await;
    assert_eq!(answer.status, 204, "its requests are those of a guest still");
    assert!(events.next().await.contains("\"result\":\"ada\""));
}

/// The hook runs for each request, and is told which of them begins nothing.
#[tokio::test]
async fn the_hook_knows_which_requests_belong_to_a_link() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let into = seen.clone();
    let server = spawn(asking().on_connect(move |connecting: Connecting| {
        into.lock().unwrap().push(connecting.is_resuming());
        async { Ok::<_, Rejection>(()) }
    }))
    .await;
    let (_events, link) = Events::open_named(&server).await;
    statuses(&server, &link, "").await;
    assert_eq!(*seen.lock().unwrap(), [false, true, true, true]);
}

#[tokio::test]
async fn an_address_that_connects_too_often_may_guess_no_names() {
    let limits = limits(|limits| limits.connect_rate_per_address = 5);
    let server = spawn(asking().limits(limits)).await;
    let (_events, link) = Events::open_named(&server).await;
    let wrong = link.replace('.', ".0")[..link.len()].to_owned();
    let mut found = Vec::new();
    for _ in 0..8 {
        found.push(Http::post(&server, &wrong, "Rpc-Received: 0\r\n", "").await.status);
    }
    assert_eq!(found[..2], [404; 2]);
    assert_eq!(found.last(), Some(&429));
}

/// The requests of a link are no connections, over however few or many they come.
#[tokio::test]
async fn a_link_makes_as_many_requests_as_it_likes() {
    let limits = limits(|limits| limits.connect_rate_per_address = 10);
    let server = spawn(asking().limits(limits)).await;
    let (_events, link) = Events::open_named(&server).await;
    let mut kept = Http::connect(&server).await;
    for number in 2..30 {
        let first = format!("Rpc-First: {number}\r\n");
        assert_eq!(kept.up(&link, &first, &call(number, "echo", "x")).await.status, 204);
    }
    for number in 30..50 {
        let first = format!("Rpc-First: {number}\r\n");
        let answer = Http::post(&server, &link, &first, &call(number, "echo", "x")).await;
        assert_eq!(answer.status, 204);
    }
}

#[tokio::test]
async fn the_hook_does_not_see_the_name_of_a_link() {
    let server = spawn(asking().on_connect(|connecting: Connecting| async move {
        match connecting.header("rpc-link") {
            Some(_) => Err(Rejection::new(StatusCode::IM_A_TEAPOT, "it sees the name")),
            None => Ok(()),
        }
    }))
    .await;
    let (_events, link) = Events::open_named(&server).await;
    assert_eq!(statuses(&server, &link, "").await, [204, 200, 204]);
}

#[tokio::test]
async fn who_is_kicked_is_told() {
    let server = spawn(named()).await;
    let (mut events, _) = Events::open_with(&server, "X-User: ada\r\n").await;
    let [peer] = &server.peers_of("ada")[..] else { panic!("one peer") };
    peer.kick(CloseCode::FORBIDDEN, "out");
    let event = events.next().await;
    let code = CloseCode::FORBIDDEN.value();
    assert!(event.contains("event: close") && event.contains(&code.to_string()), "{event}");
    soon(events.ended()).await;
}
