//! What nodes say of slots, accounts and transactions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value, and the slot at which the value held.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct At<T> {
    pub(crate) context: SlotOnly,
    pub(crate) value: T,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct SlotOnly {
    pub(crate) slot: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) parent: u64,
    pub(crate) slot: u64,
    pub(crate) root: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    pub(crate) lamports: u64,
    pub(crate) owner: String,
    /// In base64, and the word for it.
    pub(crate) data: (String, String),
    pub(crate) executable: bool,
    pub(crate) rent_epoch: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LogsOf {
    All,
    AllWithVotes,
    Mentions([String; 1]),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Logs {
    pub(crate) signature: String,
    pub(crate) err: Option<Value>,
    pub(crate) logs: Vec<String>,
}
