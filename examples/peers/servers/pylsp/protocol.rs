//! The part of the Language Server Protocol that the job needs.

use rpc_core::service;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[service(by_name)]
pub(super) trait Server {
    fn initialize(&self, #[param(flatten)] params: InitializeParams) -> InitializeResult;
    #[notification(empty_params)]
    fn initialized(&self);
    fn shutdown(&self);
}

#[service(
    namespace = "textDocument",
    separator = "/",
    rename_all = "camelCase",
    rename_all_params = "camelCase",
    by_name
)]
pub(super) trait Documents {
    #[notification]
    fn did_open(&self, text_document: Opened);
    #[notification]
    fn did_change(&self, text_document: Version, content_changes: &[Change]);
    fn hover(&self, text_document: Document, position: Position) -> Option<Hover>;
}

/// What the server tells; there is a `version` as well, which nobody here wants.
#[service(namespace = "textDocument", separator = "/", rename_all = "camelCase")]
pub(super) trait Diagnostics {
    #[notification]
    fn publish_diagnostics(&self, uri: String, diagnostics: Vec<Diagnostic>);
}

/// The request of the server for a token, before it reports progress that nobody asked for.
#[service(namespace = "window", separator = "/")]
pub(super) trait Window {
    #[method(name = "workDoneProgress/create", allow_unknown)]
    fn create_progress(&self, token: String);
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitializeParams {
    pub(super) process_id: Option<u32>,
    pub(super) root_uri: Option<String>,
    pub(super) capabilities: Value,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitializeResult {
    pub(super) server_info: ServerInfo,
}

#[derive(Deserialize, Serialize)]
pub(super) struct ServerInfo {
    pub(super) name: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Opened {
    pub(super) uri: String,
    pub(super) language_id: String,
    pub(super) version: u32,
    pub(super) text: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Document {
    pub(super) uri: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Version {
    pub(super) uri: String,
    pub(super) version: u32,
}

/// The whole text anew.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Change {
    pub(super) text: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) character: u32,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Hover {
    pub(super) contents: Contents,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Contents {
    pub(super) value: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Diagnostic {
    pub(super) message: String,
}

/// A report, in `$/progress`.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Progress {
    pub(super) token: String,
    pub(super) value: Step,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum Step {
    Begin { title: String },
    Report,
    End,
}
