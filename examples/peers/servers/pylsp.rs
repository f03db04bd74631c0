//! A document is opened in a language server, which tells what is wrong with it and what its names mean.

mod protocol;

use std::future::ready;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::transport::Framing;
use rpc_core::types::RawParams;
use rpc_core::{CallError, Context, Dialect, Peer, Router};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use self::protocol::{
    Change, Diagnostic, Diagnostics, DiagnosticsServer, Document, DocumentsClient,
    InitializeParams, Opened, Position, Progress, ServerClient, Step, Version, Window,
    WindowServer,
};
use crate::checks::{Checked, check, equal};
use crate::reached::Reached;

struct Ears(UnboundedSender<(String, Vec<Diagnostic>)>);

/// A request or a notification about progress that the server sent.
#[derive(Debug, PartialEq)]
enum Told {
    Token(String),
    Progress(rpc_core::Result<Progress>),
}

struct Bar(UnboundedSender<Told>);

impl Window for Bar {
    fn create_progress(&self, token: String) {
        self.0.send(Told::Token(token)).ok();
    }
}

/// The reports under such a token: they belong to no call.
fn reports(told: UnboundedSender<Told>) -> Router {
    Router::new().notification_fallback(move |_: Context, method: String, params: RawParams| {
        if method == "$/progress" {
            told.send(Told::Progress(params.parse())).ok();
        }
        ready(())
    })
}

impl Diagnostics for Ears {
    fn publish_diagnostics(&self, uri: String, diagnostics: Vec<Diagnostic>) {
        self.0.send((uri, diagnostics)).ok();
    }
}

const URI: &str = "file:///program.py";

const PROGRAM: &str = "def half(number):
    \"\"\"The half of it.\"\"\"
    return number / two
half(4)
";

pub(crate) async fn passes(reached: Reached) -> bool {
    let is_piped = reached.is_piped();
    let peer_name = if is_piped { "python-lsp-server over pipes" } else { "python-lsp-server" };

    let (ears, mut heard) = unbounded_channel();
    let (bar, mut told) = unbounded_channel();
    let builder = Client::builder()
        .dialect(Dialect::Lsp)
        .service(DiagnosticsServer::new(Ears(ears)))
        .service(WindowServer::new(Bar(bar.clone())))
        .service(reports(bar));
    let client = reached.connect_framed(builder, Framing::ContentLength).await;
    let client = client.expect("there is a server");
    let peer = &client.peer();
    let (server, documents) = (ServerClient::new(peer.clone()), DocumentsClient::new(peer.clone()));
    let all = [
        check(peer_name, "initializes", initializes(&server)).await,
        check(peer_name, "a document's faults are heard of", diagnoses(&documents, &mut heard))
            .await,
        check(peer_name, "asks for a token, and reports progress", progresses(&mut told)).await,
        check(peer_name, "hover", hovers(&documents)).await,
        check(peer_name, "errors", errors(peer)).await,
        check(peer_name, "CANNOT take params by position: an error says so", by_position(peer))
            .await,
        check(peer_name, "CANNOT batch: it says nothing", batches(peer)).await,
        check(peer_name, "shuts down", shuts_down(&server)).await,
        !is_piped || check(peer_name, "exits when it is told", exits(&client)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn initializes(server: &ServerClient) -> Checked {
    let capabilities = json!({"window": {"workDoneProgress": true}});
    let params = InitializeParams { process_id: None, root_uri: None, capabilities };
    equal(server.initialize(params).await?.server_info.name.as_str(), "pylsp")?;
    server.initialized().await?;
    Ok(())
}

type Heard = UnboundedReceiver<(String, Vec<Diagnostic>)>;

/// The diagnostics of a document: the latest replace all earlier ones.
async fn faults(heard: &mut Heard) -> Result<Vec<String>, &'static str> {
    let (uri, diagnostics) = heard.recv().await.ok_or("closed")?;
    let messages = diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect();
    if uri == URI { Ok(messages) } else { Err("another document") }
}

async fn diagnoses(documents: &DocumentsClient, heard: &mut Heard) -> Checked {
    let opened = Opened {
        uri: URI.to_owned(),
        language_id: "python".to_owned(),
        version: 1,
        text: PROGRAM.to_owned(),
    };
    documents.did_open(opened).await?;
    equal(faults(heard).await?, vec!["undefined name 'two'".to_owned()])?;
    let changed = Change { text: PROGRAM.replace("two", "2") };
    documents.did_change(Version { uri: URI.to_owned(), version: 2 }, &[changed]).await?;
    equal(faults(heard).await?, vec![])
}

async fn progresses(told: &mut UnboundedReceiver<Told>) -> Checked {
    let Some(Told::Token(token)) = told.recv().await else { return Err("no token".into()) };
    let begun = Step::Begin { title: "lint: pyflakes".to_owned() };
    for value in [begun, Step::End] {
        let report = Progress { token: token.clone(), value };
        equal(told.recv().await, Some(Told::Progress(Ok(report))))?;
    }
    Ok(())
}

async fn hovers(documents: &DocumentsClient) -> Checked {
    let document = Document { uri: URI.to_owned() };
    let hover = documents.hover(document, Position { line: 3, character: 1 }).await?;
    equal(hover.is_some_and(|hover| hover.contents.value.contains("The half of it.")), true)
}

async fn errors(peer: &Peer) -> Checked {
    match peer.call::<()>("nonsense", ()).await {
        Err(CallError::Remote(error)) => equal(error.code, rpc_core::ErrorCode::METHOD_NOT_FOUND),
        other => Err(format!("{other:?}").into()),
    }
}

async fn by_position(peer: &Peer) -> Checked {
    let refused = peer.call::<()>("textDocument/hover", (URI, 1)).await;
    let invalid = rpc_core::ErrorCode::INVALID_PARAMS;
    equal(matches!(refused, Err(CallError::Remote(error)) if error.code == invalid), true)
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let call = batch.call::<()>("shutdown", ()).timeout(Duration::from_millis(500));
    batch.send().await?;
    equal(matches!(call.await, Err(CallError::Timeout { .. })), true)
}

async fn shuts_down(server: &ServerClient) -> Checked {
    Ok(server.shutdown().await?)
}

async fn exits(client: &Client) -> Checked {
    client.peer().notify("exit", ()).await?;
    let reason = client.closed().await.to_string();
    equal(reason.as_str(), "closed by the other end: the process exited with code 0")
}
