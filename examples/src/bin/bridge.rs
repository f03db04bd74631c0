//! A language server, which speaks over pipes, behind a WebSocket. A client opens a document, asks about it, and is asked
//! in return.
//!
//! `bridge` starts a small language server of its own, this program with `--server`. `bridge PROGRAM ARGUMENTS…` starts
//! another one, such as `bridge pyright-langserver --stdio`.

#![expect(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::transport::{Endpoint, EndpointConfig, Framing, stdio};
use rpc_core::types::RawParams;
use rpc_core::{Context, Dialect, ErrorObject, Limits, Router};
use rpc_server::{Bridge, Server};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The document that the client opens. The language server of this program finds the word, others the unknown name.
const TEXT: &str = "one: int = 'later' + two\n";

const URI: &str = "file:///example/one.py";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("--server") => {
            be_language_server().await;
            Ok(())
        }
        Some(program) => show(program.into(), words[1..].to_vec()).await,
        None => show(std::env::current_exe()?, vec!["--server".into()]).await,
    }
}

/// Offers the language server behind a WebSocket, and has a client use it.
async fn show(program: PathBuf, arguments: Vec<String>) -> Result<(), Box<dyn Error>> {
    let bridge = Bridge::per_connection(move |_client| {
        let mut command = Command::new(&program);
        command.args(&arguments);
        command
    });
    let bridge = bridge.framing(Framing::ContentLength).dialect(Dialect::Lsp);
    let server = Server::builder().bridge(bridge).bind("127.0.0.1:0").await?.spawn();

    // What the language server asks of its client, and what it tells.
    let (tell, mut told) = mpsc::unbounded_channel();
    let asked = Router::new().fallback(move |cx: Context, method: String, params: RawParams| {
        let params: Value = params.parse().unwrap_or_default();
        let answer = answer(&method, &params);
        if !cx.is_notification() {
            println!("the client is asked: {method}");
        }
        let _ = tell.send((method, params)); // nobody listens at the end
        async { Ok::<_, ErrorObject>(answer) }
    });
    let client = Client::builder().dialect(Dialect::Lsp).service(asked);
    let client = client.connect(server.url()).await?;
    let peer = client.peer();

    let capabilities =
        json!({"workspace": {"configuration": true}, "textDocument": {"publishDiagnostics": {}}});
    let initialize = json!({"processId": null, "rootUri": null, "capabilities": capabilities});
    let initialized: Value = peer.call("initialize", initialize).await?;
    println!("the language server says what it can: {}", initialized["capabilities"].is_object());
    peer.notify("initialized", json!({})).await?;
    let document = json!({"uri": URI, "languageId": "python", "version": 1, "text": TEXT});
    peer.notify("textDocument/didOpen", json!({"textDocument": document})).await?;

    let diagnostic = async {
        while let Some((method, params)) = told.recv().await {
            let diagnostics = params["diagnostics"].as_array();
            if method == "textDocument/publishDiagnostics"
                && let Some(first) = diagnostics.and_then(|diagnostics| diagnostics.first())
            {
                return first["range"]["start"].clone();
            }
        }
        Value::Null
    };
    let start = timeout(Duration::from_secs(30), diagnostic).await?;
    println!("it finds something in line {}", start["line"]);
    let place = json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 1}});
    let hover: Value = peer.call("textDocument/hover", place).await?;
    println!("and tells about `one`: {}", hover.is_object());

    peer.call::<Value>("shutdown", ()).await?;
    peer.notify("exit", ()).await?;
    println!("{}", peer.closed().await.reason);
    Ok(())
}

/// Returns the answer of the client to its language server: no setting for each item that the server asks for.
fn answer(method: &str, params: &Value) -> Value {
    match method {
        "workspace/configuration" => {
            let items = params["items"].as_array().map_or(0, Vec::len);
            vec![Value::Null; items].into()
        }
        _ => Value::Null,
    }
}

/// A language server that finds the word `later`. It asks its client for settings before it looks.
async fn be_language_server() {
    let limits = Limits::server();
    let services = Router::new()
        .method("initialize", |_: Context, _: Value| async {
            Ok(json!({"capabilities": {"hoverProvider": true, "textDocumentSync": 1}}))
        })
        .notification("initialized", |_: Context, _: Value| async {})
        .notification("textDocument/didOpen", |cx: Context, opened: Value| async move {
            let items = json!({"items": [{"section": "todo"}]});
            let settings = cx.peer().call::<Value>("workspace/configuration", items).await;
            let text = opened["textDocument"]["text"].as_str().unwrap_or_default();
            let lines = text.lines().enumerate().filter(|(_, line)| line.contains("later"));
            let found: Vec<_> = lines.map(|(line, _)| diagnostic(line)).collect();
            let diagnostics = json!({"uri": opened["textDocument"]["uri"], "diagnostics": found});
            if settings.is_ok() {
                // Without a client there is nobody to tell.
                let _ = cx.peer().notify("textDocument/publishDiagnostics", diagnostics).await;
            }
        })
        .method("textDocument/hover", |_: Context, _: Value| async {
            Ok(json!({"contents": "a variable"}))
        })
        .method("shutdown", |_: Context, (): ()| async { Ok(()) })
        .notification("exit", |_: Context, (): ()| async { std::process::exit(0) });
    let config = EndpointConfig::new(services, limits.clone());
    let config = config.with(|config| config.dialect = Dialect::Lsp);
    let endpoint = Endpoint::new(config);
    endpoint.connect(stdio(Framing::ContentLength, &limits)).await;
}

fn diagnostic(line: usize) -> Value {
    let range =
        json!({"start": {"line": line, "character": 0}, "end": {"line": line, "character": 1}});
    json!({"range": range, "message": "something is left to do"})
}
