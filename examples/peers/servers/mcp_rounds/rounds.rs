//! A call of a tool in rounds: what the tool asks for is answered, and the call is made again.

use futures_util::future::try_join_all;
use rpc_core::{CallError, Peer};
use serde_json::Value;
use thiserror::Error;
use tokio::time::{Duration, sleep};

use super::McpClient;
use super::types::{Answers, Meta, Outcome, ToolResult};

/// The most rounds of a call, as in other hosts.
const MOST: u32 = 10;

/// How long a tool that asks for nothing is left alone.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Error)]
pub(crate) enum Failed {
    #[error("the tool asks for more after {MOST} rounds")]
    Endless,
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A host: who answers the questions of tools, and what is said of it with each request.
pub(crate) struct Rounds {
    pub(crate) server: McpClient,
    /// Calls the host's own service.
    pub(crate) host: Peer,
    pub(crate) meta: Meta,
}

impl Rounds {
    /// Calls a tool, until it has all that it needs. A question that the host refuses ends the call.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<ToolResult, Failed> {
        let (mut answers, mut state) = (None, None);
        for round in 0.. {
            let call = self.server.call_tool(
                self.meta.clone(),
                tool,
                arguments.clone(),
                answers.take(),
                state.take(),
            );
            let questions = match call.await? {
                Outcome::Complete(result) => return Ok(result),
                Outcome::InputRequired { .. } if round == MOST => break,
                Outcome::InputRequired { input_requests, request_state, .. } => {
                    state = request_state;
                    input_requests
                }
            };
            if questions.is_empty() {
                sleep(PAUSE).await;
                continue;
            }
            let asked = questions.into_iter().map(async |(name, question)| {
                let answer = self.host.call::<Value>(&question.method, question.params).await?;
                Ok::<_, CallError>((name, answer))
            });
            answers = Some(Answers::from_iter(try_join_all(asked).await?));
        }
        Err(Failed::Endless)
    }
}
