//! What editors and language servers say to each other, as far as it is said here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who connects, and what it can do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Initialize {
    pub(crate) process_id: Option<u32>,
    pub(crate) capabilities: Map<String, Value>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Initialized {
    pub(crate) capabilities: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) uri: String,
    pub(crate) version: i32,
    pub(crate) text: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DocumentId {
    pub(crate) uri: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) character: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hover {
    pub(crate) contents: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Diagnostic {
    pub(crate) range: Range,
    pub(crate) severity: u8,
    pub(crate) message: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Applied {
    pub(crate) applied: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum WorkDone {
    Begin { title: String },
    Report { percentage: u8 },
    End {},
}
