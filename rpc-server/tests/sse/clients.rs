//! The client of this workspace over a link: calls and streams both ways.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_client::{Carrier, Client, ClientBuilder, ConnectError, Fallback, Reconnect};
use rpc_core::{CallError, CloseCode, Context, Progress, Streaming, service};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, StatusCode};

use crate::support::{limits, soon, spawn, until};

#[service]
pub(crate) trait Desk {
    /// Greets the caller by the name that the caller tells.
    async fn greet(&self, cx: &Context) -> String;
    fn count(&self, to: u32) -> Streaming<u32>;
    async fn sum(&self, values: Streaming<u64>) -> u64;
    /// The sum of what the caller counts.
    async fn sum_of_steps(&self, cx: &Context, to: u32) -> u32;
    async fn build(&self, steps: u32, progress: Progress<u32>) -> String;
    async fn length(&self, text: &str) -> usize;
    fn big(&self, bytes: usize) -> String;
}

#[service]
pub(crate) trait Visitor {
    async fn name(&self) -> String;
    fn steps(&self, to: u32) -> Streaming<u32>;
}

struct Office;

impl Desk for Office {
    async fn greet(&self, cx: &Context) -> String {
        let name = VisitorClient::new(cx.peer()).name().await;
        format!("hello, {}", name.unwrap_or_else(|error| error.to_string()))
    }

    fn count(&self, to: u32) -> Streaming<u32> {
        Streaming::new(stream::iter(0..to))
    }

    async fn sum(&self, values: Streaming<u64>) -> u64 {
        values.fold(0, |sum, value| async move { sum + value.unwrap_or(0) }).await
    }

    async fn sum_of_steps(&self, cx: &Context, to: u32) -> u32 {
        let steps = VisitorClient::new(cx.peer()).steps(to).await.unwrap();
        steps.fold(0, |sum, step| async move { sum + step.unwrap_or(0) }).await
    }

    async fn build(&self, steps: u32, progress: Progress<u32>) -> String {
        for step in 0..steps {
            progress.report(&step);
            tokio::task::yield_now().await;
        }
        "built".into()
    }

    async fn length(&self, text: &str) -> usize {
        text.len()
    }

    fn big(&self, bytes: usize) -> String {
        "\u{e9}".repeat(bytes / 2)
    }
}

pub(crate) struct Ada;

impl Visitor for Ada {
    async fn name(&self) -> String {
        "Ada".into()
    }

    fn steps(&self, to: u32) -> Streaming<u32> {
        Streaming::new(stream::iter(0..to))
    }
}

pub(crate) fn office() -> ServerBuilder {
    Server::builder().service(DeskServer::new(Office)).sse(true)
}

pub(crate) fn ada() -> ClientBuilder {
    Client::builder().service(VisitorServer::new(Ada)).fallback(Fallback::Always)
}

/// Goes through all that two ends do with each other.
pub(crate) async fn all(client: &Client) {
    let desk = DeskClient::new(client.peer());
    assert_eq!(soon(desk.greet().into_future()).await.unwrap(), "hello, Ada");
    let counted: Vec<u32> =
        soon(desk.count(5000).await.unwrap().map(Result::unwrap).collect()).await;
    assert_eq!(counted, (0..5000).collect::<Vec<_>>());
    let values = Streaming::new(stream::iter(0..5000));
    assert_eq!(soon(desk.sum(values).into_future()).await.unwrap(), 4999 * 2500);
    assert_eq!(soon(desk.sum_of_steps(100).into_future()).await.unwrap(), 4950);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let into = seen.clone();
    let build = desk.build(3).on_progress(move |step| into.lock().unwrap().push(step));
    assert_eq!(soon(build.into_future()).await.unwrap(), "built");
    assert_eq!(seen.lock().unwrap().last(), Some(&2));
    let text = "x\n\u{e9}\r".repeat(50_000);
    assert_eq!(soon(desk.length(&text).into_future()).await.unwrap(), text.len());
    assert_eq!(soon(desk.big(500_000).into_future()).await.unwrap().len(), 500_000);
    let calls = (0..300).map(|length| desk.length(&"x".repeat(length)).into_future());
    let lengths = soon(futures_util::future::join_all(calls)).await;
    assert!(lengths.into_iter().enumerate().all(|(length, found)| found.unwrap() == length));
}

#[tokio::test]
async fn calls_streams_and_progress_go_both_ways() {
    let server = spawn(office()).await;
    let client = soon(ada().connect(server.url())).await.unwrap();
    assert_eq!(client.carrier(), Carrier::Sse);
    assert_eq!(client.state().to_string(), "up by server-sent events");
    all(&client).await;
    assert_eq!(server.stats().connections, 1, "a link is one connection");
    assert_eq!(soon(client.close()).await.code, Some(CloseCode::NORMAL));
    until(|| server.stats().connections == 0).await;
}

/// Requests of a link need no seat of their own.
#[tokio::test]
async fn a_full_server_serves_the_links_that_it_has() {
    let server = spawn(office().limits(limits(|limits| limits.connections = 1))).await;
    let client = soon(ada().connect(server.url())).await.unwrap();
    let error = soon(ada().connect(server.url())).await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    all(&client).await;
}

#[tokio::test]
async fn each_end_hears_how_the_other_has_closed() {
    let server = spawn(office()).await;
    let client = soon(ada().connect(server.url())).await.unwrap();
    server.peers()[0].close(CloseCode::from(4321), "go away");
    let reason = soon(client.closed()).await;
    assert_eq!((reason.code, &*reason.reason), (Some(CloseCode::from(4321)), "go away"));
    until(|| server.stats().connections == 0).await;

    let client = soon(ada().connect(server.url())).await.unwrap();
    let peer = server.peers()[0].clone();
    client.peer().close(CloseCode::from(4322), "I leave");
    let reason = soon(peer.closed()).await;
    assert_eq!((reason.code, &*reason.reason), (Some(CloseCode::from(4322)), "I leave"));
}

#[tokio::test]
async fn a_server_that_stops_tells_its_links() {
    let server = spawn(office()).await;
    let client = soon(ada().connect(server.url())).await.unwrap();
    all(&client).await;
    let report = soon(server.shutdown(Duration::from_secs(1))).await;
    assert_eq!(report.cut, 0);
    assert_eq!(soon(client.closed()).await.code, Some(CloseCode::RESTARTING));
}

#[tokio::test]
async fn an_error_says_why_there_is_no_link() {
    let builder = office().on_connect(|connecting: Connecting| async move {
        match connecting.header("x-user") {
            Some(user) => Ok(connecting.peer().identify(user)?),
            None => Err(Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")),
        }
    });
    let server = spawn(builder).await;
    let error = soon(ada().connect(server.url())).await.unwrap_err();
    assert_eq!(error.to_string(), "the server answered 401 Unauthorized: who are you?");
    let client = soon(ada().header("x-user", "7").connect(server.url())).await.unwrap();
    all(&client).await;

    // A server that knows nothing of links takes the hello for a message.
    let server = spawn(office().sse(false)).await;
    let error = soon(ada().connect(server.url())).await.unwrap_err();
    assert!(error.to_string().contains("`.sse(true)`"), "{error}");
    let error = soon(ada().plain(true).connect(server.url())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Fallback(_)), "{error}");
    let error = soon(ada().connect("ws://127.0.0.1:1/")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io { .. }), "{error}");
    let ada = ada().reconnect(Reconnect::default());
    let error = soon(ada.connect("ws://127.0.0.1:1/")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io { .. }), "{error}");
}

/// The limits of messages are those of a WebSocket.
#[tokio::test]
async fn a_message_that_is_too_long_closes_the_link() {
    let limits = limits(|limits| limits.message_in = 10_000);
    let server = spawn(office().limits(limits)).await;
    let client = soon(ada().connect(server.url())).await.unwrap();
    let desk = DeskClient::new(client.peer());
    let error = soon(desk.length(&"x".repeat(20_000)).into_future()).await.unwrap_err();
    assert!(matches!(error, CallError::Closed { .. }), "{error}");
    assert_eq!(soon(client.closed()).await.code, Some(CloseCode::TOO_BIG));

    let mut limits = rpc_core::Limits::client();
    limits.message_in = 10_000;
    let client = soon(ada().limits(limits).connect(server.url())).await.unwrap();
    let desk = DeskClient::new(client.peer());
    assert!(soon(desk.big(9_000).into_future()).await.is_ok());
    assert!(soon(desk.big(20_000).into_future()).await.is_err());
    assert_eq!(soon(client.closed()).await.code, Some(CloseCode::TOO_BIG));
}
