//! Links without HTTP.

use std::time::Duration;

use rpc_client::{Client, ConnectError, Reconnect};
use rpc_core::transport::{Framing, Hello};
use rpc_core::{Context, Router, Streaming, service};
use rpc_server::Server;
use tokio::net::TcpListener;

#[service]
trait Sums {
    async fn sum(&self, numbers: Streaming<u32>) -> u32;
}

struct OurSums;

impl Sums for OurSums {
    async fn sum(&self, mut numbers: Streaming<u32>) -> u32 {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number.unwrap();
        }
        sum
    }
}

fn add() -> Router {
    Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) })
}

#[tokio::test]
async fn a_client_that_says_hello_has_streams() {
    let server = Server::builder().service(SumsServer::new(OurSums)).framing(Framing::Lines);
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
    let client = Client::builder().hello(Hello::Always).connect(server.url()).await.unwrap();
    let numbers = Streaming::new(futures_util::stream::iter(0..1000));
    assert_eq!(SumsClient::new(client.peer()).sum(numbers).await.unwrap(), 499_500);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_carries_messages_without_http() {
    let path = std::env::temp_dir().join(format!("rpc-client-framed-{}", std::process::id()));
    for framing in [Framing::Lines, Framing::ContentLength] {
        let server = Server::builder().service(add()).framing(framing).bind_unix(&path).unwrap();
        assert_eq!(server.url(), format!("unix://{}", path.display()));
        let server = server.spawn();
        let client = Client::builder().framing(framing).connect(server.url()).await.unwrap();
        assert_eq!(client.peer().call::<i64>("add", (1, 2)).await.unwrap(), 3);
        drop(client);
        server.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_stream_that_is_given_needs_no_socket() {
    let server = Server::builder().service(add()).framing(Framing::Lines);
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
    let stream = tokio::net::TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    let client = Client::builder().connect_over(stream, "tcp://given:1").await.unwrap();
    assert_eq!(client.peer().call::<i64>("add", (1, 2)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_client_that_reconnects_finds_its_server_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = |listener: TcpListener| {
        Server::builder()
            .service(add())
            .framing(Framing::Lines)
            .listen_on(listener)
            .unwrap()
            .spawn()
    };
    let server = serve(listener);
    let client = Client::builder()
        .reconnect(Reconnect::default().min_delay(Duration::from_millis(10)))
        .connect(server.url())
        .await
        .unwrap();
    assert_eq!(client.peer().call::<i64>("add", (1, 2)).await.unwrap(), 3);
    server.shutdown(Duration::ZERO).await;
    let _server = serve(TcpListener::bind(address).await.unwrap());
    assert_eq!(client.peer().call::<i64>("add", (2, 2)).await.unwrap(), 4);
}

#[tokio::test]
async fn what_only_http_has_is_refused() {
    let token = || async { "0815".to_owned() };
    for builder in [
        Client::builder().header("x-user", "ada"),
        Client::builder().bearer_token(token),
        Client::builder().subprotocol("mcp"),
    ] {
        let error = builder.connect("tcp://127.0.0.1:1").await.unwrap_err();
        assert!(error.to_string().contains("log in by a call"), "{error}");
    }
    let builder = Client::builder().framing(Framing::Lines);
    let error = builder.connect("ws://127.0.0.1:1").await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Url(text) if text.contains("`framing` is for")),
        "{error}"
    );
}
