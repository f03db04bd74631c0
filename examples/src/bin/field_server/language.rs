//! A language server for plain text, as editors connect to one over a WebSocket: a misspelt `teh` is a warning, and a command
//! writes a line in capitals.

mod types;

use std::collections::HashMap;
use std::future::pending;
use std::sync::Mutex;

use rpc_core::{Context, Dialect, ErrorObject, Progress, Result, service};
use rpc_server::{Rejection, Server, ServerBuilder};
use serde_json::{Value, json};

use crate::back::{Asked, Back, FieldServer};
use types::{
    Applied, Diagnostic, Document, DocumentId, Hover, Initialize, Initialized, Position, Range,
    WorkDone,
};

/// The methods that the editor calls. Later editors send members that are not named here.
#[service(rename_all_params = "camelCase", by_name, allow_unknown)]
pub(crate) trait Language {
    fn initialize(&self, #[param(flatten)] editor: Initialize) -> Initialized;
    #[notification]
    fn initialized(&self);
    fn shutdown(&self);
    #[notification]
    fn exit(&self);
    #[notification(name = "$/setTrace")]
    async fn set_trace(&self, cx: &Context, value: &str);

    #[notification(name = "textDocument/didOpen")]
    async fn did_open(&self, cx: &Context, text_document: Document);
    #[method(name = "textDocument/hover")]
    fn hover(&self, text_document: DocumentId, position: Position) -> Option<Hover>;
    #[method(name = "workspace/executeCommand")]
    async fn execute_command(
        &self,
        cx: &Context,
        command: &str,
        arguments: Option<Vec<Value>>,
        progress: Progress<WorkDone>,
    ) -> Result<Value>;
}

/// The methods that the editor offers.
#[service(rename_all_params = "camelCase", by_name)]
pub(crate) trait Editor {
    #[notification(name = "textDocument/publishDiagnostics")]
    fn publish_diagnostics(&self, uri: &str, version: Option<i32>, diagnostics: Vec<Diagnostic>);
    #[method(name = "workspace/applyEdit")]
    fn apply_edit(&self, label: &str, edit: Value) -> Applied;
    #[notification(name = "$/logTrace")]
    fn log_trace(&self, message: &str);
}

/// The documents that are open, by their URI.
#[derive(Default)]
struct Texts(Mutex<HashMap<String, String>>);

impl Language for Texts {
    fn initialize(&self, editor: Initialize) -> Initialized {
        let commands = ["capitals", "wait"];
        let name = editor.more.get("clientInfo").and_then(|info| info["name"].as_str());
        Initialized {
            capabilities: json!({
                "textDocumentSync": 1,
                "hoverProvider": true,
                "executeCommandProvider": { "commands": commands },
                "experimental": { "greeting": format!("hello, {}", name.unwrap_or("you")) },
            }),
        }
    }

    fn initialized(&self) {}

    fn shutdown(&self) {}

    fn exit(&self) {}

    async fn set_trace(&self, cx: &Context, value: &str) {
        let message = format!("trace is {value}");
        // It fails if the editor has gone, and then nobody needs it.
        let _ = EditorClient::new(cx.peer()).log_trace(&message).await;
    }

    async fn did_open(&self, cx: &Context, Document { uri, version, text }: Document) {
        let diagnostics =
            (0..).zip(text.lines()).filter_map(|(line, text)| misspelt_in(line, text)).collect();
        // It fails if the editor has gone, and then nobody needs it.
        let _ = EditorClient::new(cx.peer())
            .publish_diagnostics(&uri, Some(version), diagnostics)
            .await;
        self.0.lock().unwrap().insert(uri, text);
    }

    fn hover(&self, text_document: DocumentId, position: Position) -> Option<Hover> {
        let texts = self.0.lock().unwrap();
        let line = texts.get(&text_document.uri)?.lines().nth(position.line)?;
        let word = line.split_whitespace().find(|word| {
            let start = word.as_ptr() as usize - line.as_ptr() as usize;
            (start..start + word.len()).contains(&position.character)
        })?;
        Some(Hover { contents: format!("`{word}`: {} letters", word.chars().count()) })
    }

    async fn execute_command(
        &self,
        cx: &Context,
        command: &str,
        arguments: Option<Vec<Value>>,
        progress: Progress<WorkDone>,
    ) -> Result<Value> {
        match command {
            "capitals" => {
                progress.report(&WorkDone::Begin { title: "Capitals".into() });
                let edit = self.capitals(&arguments.unwrap_or_default())?;
                progress.report(&WorkDone::Report { percentage: 50 });
                let editor = EditorClient::new(cx.peer());
                // The editor's own error is the command's.
                let applied = editor.apply_edit("capitals", edit).forwarded().await;
                progress.report(&WorkDone::End {});
                Ok(json!(applied?.applied))
            }
            // Until it is cancelled.
            "wait" => pending().await,
            _ => Err(ErrorObject::invalid_params(format!("no command `{command}`"))),
        }
    }
}

impl Texts {
    /// An edit that puts the first line of a document in capitals.
    fn capitals(&self, arguments: &[Value]) -> Result<Value> {
        let uri = arguments.first().and_then(Value::as_str).unwrap_or_default();
        let texts = self.0.lock().unwrap();
        let text = texts
            .get(uri)
            .ok_or_else(|| ErrorObject::invalid_params(format!("`{uri}` is not open")))?;
        let line = text.lines().next().unwrap_or_default();
        let edit = json!({ "range": whole(0, line), "newText": line.to_uppercase() });
        Ok(json!({ "changes": { uri: [edit] } }))
    }
}

fn misspelt_in(line: usize, text: &str) -> Option<Diagnostic> {
    text.contains("teh").then(|| Diagnostic {
        range: whole(line, text),
        severity: 2,
        message: "`the` is meant".into(),
    })
}

fn whole(line: usize, text: &str) -> Range {
    let end = text.encode_utf16().count();
    Range { start: Position { line, character: 0 }, end: Position { line, character: end } }
}

pub(crate) fn server() -> ServerBuilder {
    Server::builder()
        .dialect(Dialect::Lsp)
        .service(LanguageServer::new(Texts::default()))
        .service(FieldServer::new(Back))
        .on_connect(|_| async { Ok::<_, Rejection>(Asked::default()) })
}
