//! Pages of other origins, and servers that are mounted in an app.

use axum::extract::ConnectInfo;
use rpc_client::Carrier;
use std::net::SocketAddr;
use tokio::net::TcpListener;

use crate::asking;
use crate::by_hand::{Events, HELLO, Http, opening};
use crate::clients::{ada, all, office};
use crate::support::{echo, soon, spawn, until};

fn preflight(origin: &str) -> String {
    format!(
        "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: content-type,rpc-link,authorization\r\n\r\n"
    )
}

#[tokio::test]
async fn the_browser_of_an_allowed_page_is_given_leave() {
    let server = spawn(asking().allow_origins(["https://good.example"])).await;
    let mut http = Http::connect(&server).await;
    http.send(preflight("https://good.example")).await;
    let answer = http.answer().await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://good.example"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("content-type,rpc-link,authorization")
    );
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    let page = "Origin: https://good.example\r\n";
    let events = Events::ask(&server, &opening(page, HELLO)).await;
    assert!(events.head.contains("access-control-allow-origin: https://good.example\r\n"));
    assert!(events.head.contains("access-control-expose-headers: Rpc-Received"), "{}", events.head);
    // The page sees why it was refused, too.
    let answer = Http::post(&server, "x", &format!("{page}Rpc-First: 1\r\n"), "{}").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://good.example"));

    for foreign in ["https://bad.example", "null"] {
        let mut http = Http::connect(&server).await;
        http.send(preflight(foreign)).await;
        let answer = http.answer().await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn where_every_page_may_connect_none_brings_cookies() {
    let server = spawn(asking().allow_origins(["*"])).await;
    let mut http = Http::connect(&server).await;
    http.send(preflight("https://any.example")).await;
    let answer = http.answer().await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://any.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    // Without links there is no leave to be given.
    let server = spawn(echo().allow_origins(["*"])).await;
    let mut http = Http::connect(&server).await;
    http.send(preflight("https://any.example")).await;
    let answer = http.answer().await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_server_in_an_app_has_links() {
    let rpc = office().into_tower_service().unwrap();
    let rpc = rpc.remote_addr(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0));
    let server = rpc.handle();
    let app = axum::Router::new()
        .route_service("/rpc", rpc)
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/rpc", listener.local_addr().unwrap());
    drop(tokio::spawn(axum::serve(listener, app).into_future()));
    let client = soon(ada().connect(&url)).await.unwrap();
    assert_eq!(client.carrier(), Carrier::Sse);
    all(&client).await;
    assert_eq!(server.stats().connections, 1);
    soon(client.close()).await;
    until(|| server.stats().connections == 0).await;
    let client = soon(ada().connect(&url)).await.unwrap();
    soon(server.stop()).await;
    assert_eq!(soon(client.closed()).await.code.map(|code| code.value()), Some(1012));
}
