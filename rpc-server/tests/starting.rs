//! What is set wrong is found at the start, and the one line that says so says what to change.

mod support;

use rpc_core::{Context, Router};
use rpc_server::{Error, Server, ServerBuilder};
use support::{bind, echo, limits};

async fn refused(builder: ServerBuilder, address: &str) -> String {
    let refused: Result<_, Error> = builder.bind(address).await;
    refused.expect_err("it is wrong").to_string()
}

#[tokio::test]
async fn a_port_that_is_taken() {
    let first = bind(echo()).await.spawn();
    let address = first.local_addr().unwrap().to_string();
    let text = refused(echo(), &address).await;
    assert!(text.starts_with(&format!("cannot listen on `{address}`: ")), "{text}");
    assert!(text.ends_with(": stop what listens there, or choose another port"), "{text}");
}

#[tokio::test]
async fn an_address_that_is_none_or_elsewhere() {
    let text = refused(echo(), "127.0.0.1").await;
    assert!(text.contains("write `127.0.0.1:8080`"), "{text}");
    let text = refused(echo(), "192.0.2.1:0").await; // of documentation, so of no machine
    assert!(text.ends_with(": choose an address that this machine has"), "{text}");
}

#[tokio::test]
async fn settings_that_contradict_each_other_or_mean_nothing() {
    let add = |_: Context, (): ()| async { Ok(()) };
    let twice = Server::builder().service(Router::new().method("add", add).method("add", add));
    let impatient = limits(|limits| limits.dead_after = limits.ping);
    for (builder, expected) in [
        (echo().limits(impatient), "raise `dead_after` or lower `ping`"),
        (twice, "`add`"),
        (echo().path("rpc"), "it must begin with `/`"),
        (echo().subprotocol("mcp, v1"), "`mcp, v1` is no subprotocol: write one word"),
        (echo().allow_origins(["https://app.example/page"]), "with nothing behind it"),
        (echo().allow_hosts(["https://app.example"]), "write a name or an address"),
        (echo().trusted_proxies(["proxy"]), "such as `10.0.0.0/8`"),
        (echo().health("/x").readiness("/x"), "give each its own"),
    ] {
        let text = refused(builder, "127.0.0.1:0").await;
        assert!(text.contains(expected), "{text}");
    }
}
