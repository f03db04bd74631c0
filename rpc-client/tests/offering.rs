//! `ClientBuilder::offer_on`: a WebSocket endpoint on another link.

use std::time::Duration;

use rpc_client::Client;
use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::{CallError, CloseCode, Context, Limits, Peer, Router};
use rpc_server::Server;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A server whose method asks its caller in return.
async fn serve() -> Server {
    let services = Router::new()
        .method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) })
        .method("ask", |cx: Context, (): ()| async move {
            Ok(cx.peer().call::<String>("name", ()).await?)
        });
    Server::builder().service(services).bind("127.0.0.1:0").await.unwrap().spawn()
}

/// A program that knows the other link only.
fn program(pipe: Pipe) -> Peer {
    let named = Router::new().method("name", |_: Context, (): ()| async { Ok("Ada") });
    let config = EndpointConfig::new(named, Limits::client());
    let endpoint = Endpoint::new(config.with(|config| config.hello = Hello::Always));
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(pipe));
    peer
}

/// A program whose other link offers the server, and why that ends.
fn offered(server: &Server) -> (Peer, JoinHandle<rpc_core::CloseReason>) {
    let (here, there) = memory::transports(1024);
    let url = server.url().to_owned();
    let offer = async move { Client::builder().offer_on(here, url).await.unwrap() };
    (program(there), tokio::spawn(offer))
}

async fn ended<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), what).await.expect("it ends")
}

#[tokio::test]
async fn a_program_uses_the_endpoint_and_is_asked_in_return() {
    let server = serve().await;
    let (program, offer) = offered(&server);
    assert_eq!(program.call::<i64>("add", (1, 2)).await, Ok(3));
    assert_eq!(program.call::<String>("ask", ()).await.as_deref(), Ok("Ada"));
    let unknown = program.call::<()>("none", ()).await;
    assert!(matches!(unknown, Err(CallError::Remote(error)) if error.code == -32601));
    program.close(CloseCode::NORMAL, "enough");
    assert_eq!(ended(offer).await.unwrap().reason, "enough");
    while !server.peers().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_end_of_the_server_ends_the_other_link() {
    let server = serve().await;
    let (program, offer) = offered(&server);
    assert_eq!(program.call::<i64>("add", (1, 2)).await, Ok(3));
    server.shutdown(Duration::from_millis(100)).await;
    assert_eq!(ended(offer).await.unwrap().code, Some(CloseCode::RESTARTING));
    assert_eq!(ended(program.closed()).await.code, Some(CloseCode::RESTARTING));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let (here, _there) = memory::transports(1024);
    assert!(Client::builder().offer_on(here, "ws://127.0.0.1:1").await.is_err());
}
