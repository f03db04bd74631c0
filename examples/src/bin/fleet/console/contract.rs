//! What the server and a page of the fleet offer each other.

use std::collections::BTreeMap;

use rpc_core::{Change, Context, Progress, Streaming, service};
use serde::{Deserialize, Serialize};

use crate::contract::{FleetError, Report, Vitals};

/// What the server offers to a page.
#[service(namespace = "console")]
pub(crate) trait Console {
    /// From now on the caller, a page, is asked what agents want to know.
    async fn attend(&self, cx: &Context);

    /// The fleet, and what changes in it.
    async fn state(&self) -> Streaming<Change<State>>;

    /// How busy all agents were in the last half minute, and are from now on.
    async fn samples(&self) -> Streaming<Sample>;

    /// What has happened lately, and what happens from now on.
    async fn events(&self) -> Streaming<Event>;

    /// Asks one agent how its machine is doing.
    async fn report(&self, cx: &Context, agent: &str) -> Result<Report, FleetError>;

    /// Lets one agent work for some seconds. Reports how much of that is done, in percent.
    async fn work(
        &self,
        cx: &Context,
        agent: &str,
        progress: Progress<u32>,
    ) -> Result<(), FleetError>;

    /// Asks the caller whether it is sure, within this call, and sends one agent away: it comes back by itself. Returns
    /// whether the caller was sure.
    async fn restart(&self, cx: &Context, agent: &str) -> Result<bool, FleetError>;
}

/// What each page offers to the server, on the same connection.
#[service(namespace = "page")]
pub(crate) trait Page {
    /// Asks whoever looks at the page.
    async fn ask(&self, question: &Question) -> bool;
}

/// A question with two answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) agent: String,
    pub(crate) text: String,
    pub(crate) detail: String,
    /// The name of the answer that is `true`.
    pub(crate) yes: String,
    pub(crate) no: String,
}

/// The fleet, as the page shows it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) agents: BTreeMap<String, Row>,
}

/// An agent, as the page shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The id of the agent's session.
    #[serde(skip)]
    pub(crate) session: String,
    pub(crate) link: RowLink,
    #[serde(flatten)]
    pub(crate) vitals: Vitals,
}

/// How an agent is connected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RowLink {
    Up,
    /// The link was lost, and the session waits for another one.
    Away,
    /// The session has ended.
    Gone,
}

/// How busy the agents were at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// Of each agent that was up, in percent.
    pub(crate) cpu: BTreeMap<String, f32>,
}

/// Something that has happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) agent: String,
    pub(crate) text: String,
}
