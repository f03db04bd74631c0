//! What the ends of a fleet offer each other: all that they share.

use rpc_core::{Context, Progress, RpcError, Streaming, service};
use serde::{Deserialize, Serialize};

/// What the server offers to operators, and one thing to agents.
#[service(namespace = "fleet")]
pub(crate) trait Fleet {
    /// From now on the caller, an agent, is a part of the fleet.
    async fn enlist(&self, cx: &Context) -> Result<(), FleetError>;

    /// Asks every agent how its machine is doing. Who does not answer within three seconds is named.
    async fn survey(&self, cx: &Context) -> Survey;

    /// The processes called `process` on the machine of `agent`.
    async fn find(
        &self,
        cx: &Context,
        agent: &str,
        process: &str,
    ) -> Result<Vec<Process>, FleetError>;

    /// How busy the agents are, from now on and again after each `every_ms`: what returns a
    /// `Streaming` is a subscription, which ends when the operator drops it.
    async fn watch(&self, cx: &Context, every_ms: u64) -> Streaming<Vec<Load>>;

    /// Tells all agents the label of the fleet; answers how many there are.
    async fn label(&self, cx: &Context, label: &str) -> usize;

    /// Asks the people who look at the page of the fleet whether the caller, an agent, may upgrade itself now.
    async fn may_upgrade(&self, cx: &Context, version: &str) -> Result<bool, FleetError>;
}

/// What each agent offers to the server, on the connection that it opened.
#[service(namespace = "host")]
pub(crate) trait Host {
    /// How this machine is doing, with at most so many of its busiest processes.
    async fn report(&self, busiest: usize) -> Report;

    /// Processes that want to run, over the last minute.
    async fn load(&self) -> f64;

    /// The processes called `name`.
    async fn find(&self, name: &str) -> Result<Vec<Process>, FleetError>;

    /// How this machine is doing, from now on and again after each `every_ms`.
    async fn vitals(&self, every_ms: u64) -> Streaming<Vitals>;

    /// Keeps a processor busy for so many seconds. Reports how much of that is done, in percent. Ends early if the caller
    /// cancels the call.
    async fn work(&self, seconds: u32, progress: Progress<u32>);

    /// The fleet has a new label.
    #[notification]
    async fn label(&self, label: &str);
}

/// What can go wrong, wherever it does: an agent's error reaches the operator as what it is.
#[derive(Debug, thiserror::Error, RpcError)]
pub(crate) enum FleetError {
    /// Said by the server.
    #[error("no agent `{0}`")]
    #[rpc(code = 1)]
    NoAgent(String),
    /// Said by an agent.
    #[error("no process `{name}` among {running}")]
    #[rpc(code = 2)]
    NoProcess { name: String, running: usize },
    /// Said by the server of an agent that is connected.
    #[error("agent `{0}` did not answer")]
    #[rpc(code = 3)]
    Silent(String),
    /// Said by the server to an agent.
    #[error("not enlisted: {0}")]
    #[rpc(code = 4)]
    NotEnlisted(String),
    /// Said by the server to an agent that has a question.
    #[error("nobody looks at the page")]
    #[rpc(code = 5)]
    NobodyLooks,
}

/// The answers of all agents.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Survey {
    pub(crate) reports: Vec<(String, Report)>,
    /// Who did not answer in time.
    pub(crate) silent: Vec<String>,
}

/// How busy an agent is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) agent: String,
    pub(crate) load: f64,
}

/// How a machine is doing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) host: String,
    /// Processes that want to run, over the last minute.
    pub(crate) load: f64,
    /// In bytes.
    pub(crate) memory_used: u64,
    pub(crate) memory_total: u64,
    pub(crate) disks: Vec<Disk>,
    /// In seconds.
    pub(crate) uptime: u64,
    pub(crate) busiest: Vec<Process>,
}

/// How a machine is doing, in short.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vitals {
    /// Of all processors, in percent.
    pub(crate) cpu: f32,
    /// In percent.
    pub(crate) memory: f32,
    /// Processes that want to run, over the last minute.
    pub(crate) load: f32,
    /// Of the agent.
    pub(crate) version: String,
    /// What the machine does beside its usual work.
    pub(crate) task: Option<Task>,
}

/// What a machine does beside its usual work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) percent: u32,
}

/// A file system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Disk {
    pub(crate) mount: String,
    /// In bytes.
    pub(crate) free: u64,
    pub(crate) total: u64,
}

/// A process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    /// Of one processor, in percent.
    pub(crate) cpu: f32,
    /// In bytes.
    pub(crate) memory: u64,
}
