//! What hosts and servers of MCP's revision 2026-07-28 say to each other, as far as it is said here. Members that are
//! not named are kept in `others`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) const REVISION: &str = "2026-07-28";

/// The members that come with each request: there is no handshake.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    pub(crate) revision: String,
    /// What the host can be asked for.
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    pub(crate) capabilities: Map<String, Value>,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

/// What a server says of itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Discovered {
    pub(crate) supported_versions: Vec<String>,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tools {
    pub(crate) tools: Vec<Tool>,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

/// What a call of a tool comes to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "resultType", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Outcome {
    Complete(ToolResult),
    /// The call is to be made again, with answers and the state.
    InputRequired {
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        input_requests: BTreeMap<String, Question>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_state: Option<String>,
        #[serde(flatten)]
        others: Map<String, Value>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToolResult {
    pub(crate) content: Vec<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_error: bool,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

/// A request to the host. The name of the question is the id of the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) params: Map<String, Value>,
}

/// The results of questions, by the names of these.
pub(crate) type Answers = BTreeMap<String, Value>;
