//! What is answered to those who look after a server.

mod support;

use support::{Raw, echo, limits, spawn, until};

async fn look(server: &rpc_server::Server, path: &str) -> String {
    let mut raw = Raw::connect(server).await;
    raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    let answer = raw.rest().await;
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    format!("{} {body}", head.split(' ').nth(1).unwrap())
}

#[tokio::test]
async fn a_server_says_whether_it_lives_and_takes_connections() {
    let builder = echo().path("/rpc").health("/healthz").readiness("/readyz");
    let server = spawn(builder.limits(limits(|limits| limits.connections = 1))).await;
    let settled = || until(|| server.stats().connections == 0);
    assert_eq!(look(&server, "/healthz").await, "200 alive");
    // Whoever looks has the only place.
    assert_eq!(look(&server, "/readyz").await, "503 full");
    settled().await;
    assert_eq!(look(&server, "/other").await, "404 nothing is served under this path");
    settled().await;
    until(|| server.stats().refused == 1).await; // who only looks is not
}

#[tokio::test]
async fn the_app_may_say_that_it_is_not_ready() {
    let server = spawn(echo().readiness("/readyz")).await;
    assert_eq!(look(&server, "/readyz").await, "200 ready");
    server.set_ready(false);
    assert_eq!(look(&server, "/readyz").await, "503 not ready");
    server.set_ready(true);
    assert_eq!(look(&server, "/readyz").await, "200 ready");
}

#[tokio::test]
async fn each_path_is_for_one_thing() {
    let error = echo().path("/x").health("/x").bind("127.0.0.1:0").await.unwrap_err();
    assert_eq!(error.to_string(), "`/x` is the path of two things: give each its own");
}
