//! The part of Codex's protocol that the job needs.

use rpc_core::{Result, service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[service(by_name, rename_all_params = "camelCase")]
pub(super) trait Codex {
    fn initialize(&self, client_info: ClientInfo) -> Result<Initialized>;
    #[notification]
    fn initialized(&self);
}

/// Params may be `{}`, but not missing.
#[service(
    namespace = "thread",
    separator = "/",
    by_name,
    empty_params,
    rename_all_params = "camelCase"
)]
pub(super) trait Threads {
    /// Those on the disk.
    fn list(&self, limit: Option<u32>) -> Page<Thread>;
    fn start(&self, #[param(flatten)] params: StartParams) -> Result<Started>;
    #[method(name = "name/set")]
    fn set_name(&self, thread_id: &str, name: &str) -> Result<Nothing>;
    /// Those in memory.
    #[method(name = "loaded/list")]
    fn loaded(&self, limit: Option<u32>) -> Page<String>;
}

#[service(namespace = "turn", separator = "/", by_name, rename_all_params = "camelCase")]
pub(super) trait Turns {
    /// Says something to the model.
    fn start(&self, thread_id: &str, input: &[Input]) -> Result<TurnStarted>;
}

/// The notifications of Codex about threads.
#[service(namespace = "thread", separator = "/", rename_all_params = "camelCase")]
pub(super) trait ThreadEvents {
    #[notification]
    fn started(&self, thread: Thread);
    #[notification(name = "name/updated")]
    fn named(&self, thread_id: String, thread_name: Option<String>);
}

#[service(namespace = "turn", separator = "/", rename_all_params = "camelCase")]
pub(super) trait TurnEvents {
    #[notification]
    fn completed(&self, thread_id: String);
}

/// The notifications and requests of Codex within a turn.
#[service(namespace = "item", separator = "/", rename_all_params = "camelCase")]
pub(super) trait Items {
    #[notification(name = "agentMessage/delta")]
    fn said(&self, delta: String);
    #[method(name = "commandExecution/requestApproval", allow_unknown)]
    fn may_run(&self, command: String) -> Approval;
}

#[derive(Deserialize, Serialize)]
pub(super) struct ClientInfo {
    pub(super) name: String,
    pub(super) version: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Initialized {
    pub(super) user_agent: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StartParams {
    pub(super) cwd: String,
    pub(super) ephemeral: bool,
    pub(super) model: String,
    pub(super) model_provider: String,
    pub(super) config: Value,
    pub(super) approval_policy: String,
    pub(super) sandbox: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Started {
    pub(super) thread: Thread,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Thread {
    pub(super) id: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Nothing {}

#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum Input {
    Text { text: String },
}

#[derive(Deserialize, Serialize)]
pub(super) struct TurnStarted {
    pub(super) turn: Turn,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Turn {
    pub(super) id: String,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Approval {
    pub(super) decision: Decision,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Decision {
    Accept,
}
