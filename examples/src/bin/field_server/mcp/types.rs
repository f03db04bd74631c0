//! What hosts and tools say to each other, as far as it is said here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who connects, and what it can do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Initialize {
    pub(crate) protocol_version: String,
    pub(crate) capabilities: Value,
    pub(crate) client_info: Value,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Initialized {
    pub(crate) protocol_version: String,
    pub(crate) capabilities: Value,
    pub(crate) server_info: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tools {
    pub(crate) tools: Vec<Tool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) input_schema: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ToolResult {
    pub(crate) content: Vec<Content>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Content {
    Text { text: String },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) role: String,
    pub(crate) content: Content,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sampled {
    pub(crate) model: String,
    pub(crate) content: Content,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Roots {
    pub(crate) roots: Vec<Root>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Root {
    pub(crate) uri: String,
}

/// How far a tool has come.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) progress: u32,
    pub(crate) total: u32,
}
