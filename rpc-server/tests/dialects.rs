//! Dialects of servers and clients, chosen at their builders and for one connection, over real sockets.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rpc_client::{Client, ConnectError};
use rpc_core::{Context, Dialect, Progress, Router, service};
use rpc_server::{Connecting, Error, Rejection, Server, ServerBuilder};
use serde_json::{Value, json};
use support::{HANDSHAKE, Raw, soon, spawn, until};
use tokio::sync::mpsc;

#[service]
trait Tools {
    /// Reports once.
    #[method(name = "tools/call")]
    async fn call(&self, progress: Progress<u32>) -> String;

    /// Runs until it is stopped.
    async fn wait(&self);
}

#[derive(Clone, Default)]
struct Toolbox {
    running: Arc<AtomicUsize>,
}

impl Tools for Toolbox {
    async fn call(&self, progress: Progress<u32>) -> String {
        progress.report(&1);
        "done".into()
    }

    async fn wait(&self) {
        struct Runs(Arc<AtomicUsize>);
        impl Drop for Runs {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.running.fetch_add(1, Ordering::SeqCst);
        let _runs = Runs(self.running.clone());
        std::future::pending().await
    }
}

fn toolbox() -> (ServerBuilder, Arc<AtomicUsize>) {
    let tools = Toolbox::default();
    let running = tools.running.clone();
    (Server::builder().service(ToolsServer::new(tools)), running)
}

/// A connection that offers a subprotocol.
async fn open(server: &Server, subprotocol: &str) -> Raw {
    let mut raw = Raw::connect(server).await;
    let offer = format!("\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n");
    raw.send(HANDSHAKE.replace("\r\n\r\n", &offer)).await;
    let head = raw.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    raw
}

const ASKED: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":"t"}}}"#;

#[tokio::test]
async fn each_connection_may_have_its_own() {
    let server =
        spawn(toolbox().0.subprotocol("mcp").on_connect(|connecting: Connecting| async move {
            if connecting.subprotocol() == Some("mcp") {
                connecting.dialect(Dialect::Mcp);
            }
            Ok::<_, Rejection>(())
        }))
        .await;
    for (subprotocol, report) in [
        ("mcp", "notifications/progress"),
        ("jsonrpc2", "$/progress"),
        ("mcp", "notifications/progress"),
    ] {
        let mut raw = open(&server, subprotocol).await;
        raw.send_text(ASKED).await;
        let text = raw.text().await;
        assert!(text.contains(report), "{subprotocol}: {text}");
        assert!(raw.text().await.contains("done"));
    }
}

#[tokio::test]
async fn a_client_and_a_server_of_mcp_cancel_and_report_in_its_words() {
    let (builder, running) = toolbox();
    let server = spawn(builder.dialect(Dialect::Mcp)).await;
    let mut raw = Raw::open(&server).await;
    raw.send_text(ASKED).await;
    assert!(raw.text().await.contains("notifications/progress"));

    let client = Client::builder().dialect(Dialect::Mcp).connect(server.url()).await.unwrap();
    let peer = client.peer();
    let (tell, mut told) = mpsc::unbounded_channel();
    let call = peer.call::<String>("tools/call", json!({})).on_progress(move |step: u32| {
        let _ = tell.send(step);
    });
    assert_eq!((soon(call).await.unwrap(), told.recv().await), ("done".into(), Some(1)));
    let call = peer.call::<()>("wait", ()).start();
    until(|| running.load(Ordering::SeqCst) == 1).await;
    drop(call);
    until(|| running.load(Ordering::SeqCst) == 0).await;
    assert_eq!(soon(peer.call::<Value>("ping", ())).await.unwrap(), json!({}));
}

#[tokio::test]
async fn a_plain_client_of_a_language_server_cancels_too() {
    let (builder, running) = toolbox();
    let server = spawn(builder.plain(true).dialect(Dialect::Lsp)).await;
    let builder = Client::builder().plain(true).dialect(Dialect::Lsp);
    let client = builder.connect(server.url()).await.unwrap();
    let call = client.peer().call::<()>("wait", ()).start();
    until(|| running.load(Ordering::SeqCst) == 1).await;
    drop(call);
    until(|| running.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_name_that_the_dialect_has_for_itself_is_a_mistake() {
    let cancelled =
        || Router::new().notification("notifications/cancelled", |_: Context, _: Value| async {});
    let builder = Server::builder().service(cancelled()).dialect(Dialect::Mcp);
    let error = builder.bind("127.0.0.1:0").await.unwrap_err();
    assert!(matches!(error, Error::Router(_)), "{error:?}");
    let builder = Client::builder().service(cancelled()).dialect(Dialect::Mcp);
    let error = builder.connect("ws://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(&error, ConnectError::Router(_)), "{error:?}");
    // For one connection the hook says so, and the server lives on.
    let server = spawn(Server::builder().service(cancelled()).on_connect(
        |connecting: Connecting| async move {
            if connecting.query("mcp").is_some() {
                connecting.dialect(Dialect::Mcp);
            }
            Ok::<_, Rejection>(())
        },
    ))
    .await;
    let refused = Client::builder().connect(format!("{}/?mcp", server.url())).await.unwrap_err();
    assert!(refused.to_string().contains("500"), "{refused}");
    assert!(Client::builder().connect(server.url()).await.is_ok());
}
