//! npm's `@modelcontextprotocol/server-everything`, an MCP server that is started: its tools are called, and ask back.

use std::sync::Arc;

use rpc_client::Client;
use rpc_core::{CallError, Dialect, Peer, Progress, service};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::checks::{Checked, check, equal};
use crate::reached::Reached;

/// The part of the protocol that the job needs.
#[service(rename_all_params = "camelCase", by_name)]
trait Mcp {
    fn initialize(
        &self,
        protocol_version: &str,
        capabilities: Value,
        client_info: Value,
    ) -> Initialized;
    #[notification(name = "notifications/initialized")]
    fn initialized(&self);
    #[method(name = "tools/list")]
    fn list_tools(&self) -> Tools;
    #[method(name = "tools/call")]
    fn call_tool(&self, name: &str, arguments: Value, progress: Progress<Step>) -> Answer;
}

/// The methods of the host that the tools call. The tools send more params than these.
#[service(by_name, allow_unknown)]
trait Host {
    #[method(name = "roots/list")]
    fn list_roots(&self) -> Roots;
    #[method(name = "sampling/createMessage")]
    fn create_message(&self, messages: Vec<Value>) -> Value;
    #[notification(name = "notifications/tools/list_changed")]
    fn tools_have_changed(&self);
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialized {
    protocol_version: String,
    server_info: Value,
}

#[derive(Deserialize, Serialize)]
struct Tools {
    tools: Vec<Tool>,
}

#[derive(Deserialize, Serialize)]
struct Tool {
    name: String,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Step {
    progress: u32,
    total: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    content: Vec<Value>,
    #[serde(default)]
    is_error: bool,
}

#[derive(Deserialize, Serialize)]
struct Roots {
    roots: Vec<Value>,
}

const PEER: &str = "MCP's server-everything";

/// Only these revisions have requests of servers. The server takes the one that it is asked for.
const REVISION: &str = "2025-11-25";

/// Tools that it offers to a host with a model, but only some time after `notifications/initialized`.
const SAMPLES: &str = "trigger-sampling-request";

#[derive(Default)]
struct Ours {
    has_changed: Arc<Notify>,
}

impl Host for Ours {
    fn list_roots(&self) -> Roots {
        Roots { roots: vec![json!({"uri": "file:///work", "name": "work"})] }
    }

    fn create_message(&self, messages: Vec<Value>) -> Value {
        let asked = messages[0]["content"]["text"].as_str().unwrap_or_default();
        let text = format!("so you say: {asked}");
        json!({"model": "m1", "role": "assistant", "content": {"type": "text", "text": text}})
    }

    fn tools_have_changed(&self) {
        self.has_changed.notify_one();
    }
}

pub(crate) async fn passes(reached: Reached) -> bool {
    let ours = Ours::default();
    let has_changed = ours.has_changed.clone();
    let builder = Client::builder().dialect(Dialect::Mcp).service(HostServer::new(ours));
    let client = reached.connect(builder).await.expect("there is a server");
    let server = McpClient::new(client.peer());
    let all = [
        check(PEER, "initializes", initializes(&server)).await,
        check(PEER, "lists tools, anew when they have changed", lists(&server, &has_changed)).await,
        check(PEER, "calls a tool", calls(&server)).await,
        check(PEER, "a tool asks our model (sampling/createMessage)", samples(&server)).await,
        check(PEER, "a tool asks for our folders (roots/list)", roots(&server)).await,
        check(PEER, "reports progress", progresses(&server)).await,
        check(PEER, "errors", errors(&server, &client.peer())).await,
        check(PEER, "ends with its input", ends(client)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn initializes(server: &McpClient) -> Checked {
    let capabilities = json!({"roots": {"listChanged": true}, "sampling": {}});
    let host = json!({"name": "host", "version": "1.0.0"});
    let answer = server.initialize(REVISION, capabilities, host).await?;
    equal(answer.server_info["name"].as_str(), Some("mcp-servers/everything"))?;
    equal(answer.protocol_version.as_str(), REVISION)?;
    Ok(server.initialized().await?)
}

async fn lists(server: &McpClient, has_changed: &Notify) -> Checked {
    loop {
        let tools = server.list_tools().await?.tools;
        equal(tools.iter().any(|tool| tool.name == "echo"), true)?;
        if tools.iter().any(|tool| tool.name == SAMPLES) {
            return Ok(());
        }
        has_changed.notified().await;
    }
}

async fn said(
    server: &McpClient,
    tool: &str,
    arguments: Value,
) -> Result<String, Box<dyn std::error::Error>> {
    let answer = server.call_tool(tool, arguments).await?;
    equal(answer.is_error, false)?;
    Ok(answer.content.iter().filter_map(|part| part["text"].as_str()).collect())
}

async fn calls(server: &McpClient) -> Checked {
    equal(said(server, "echo", json!({"message": "hi"})).await?, "Echo: hi".to_owned())?;
    let sums = (0..50).map(|number| said(server, "get-sum", json!({"a": number, "b": 1})));
    for (number, sum) in futures_util::future::join_all(sums).await.into_iter().enumerate() {
        equal(sum?, format!("The sum of {number} and 1 is {}.", number + 1))?;
    }
    Ok(())
}

async fn samples(server: &McpClient) -> Checked {
    let answer = said(server, SAMPLES, json!({"prompt": "hello", "maxTokens": 9})).await?;
    equal(answer.contains("so you say:") && answer.contains("hello"), true)
}

async fn roots(server: &McpClient) -> Checked {
    let answer = said(server, "get-roots-list", json!({})).await?;
    equal(answer.contains("file:///work"), true)
}

async fn progresses(server: &McpClient) -> Checked {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let arguments = json!({"duration": 0.2, "steps": 2});
    let call = server.call_tool("trigger-long-running-operation", arguments);
    call.on_progress(move |step| drop(tell.send(step))).await?;
    for progress in 1..=2 {
        equal(told.recv().await, Some(Step { progress, total: 2 }))?;
    }
    Ok(())
}

/// An error of a tool is an answer, as the protocol has it; only what is no call of a tool is an error.
async fn errors(server: &McpClient, peer: &Peer) -> Checked {
    equal(server.call_tool("no-such-tool", json!({})).await?.is_error, true)?;
    match peer.call::<()>("nonsense", ()).await {
        Err(CallError::Remote(error)) => equal(error.code, rpc_core::ErrorCode::METHOD_NOT_FOUND),
        other => Err(format!("{other:?}").into()),
    }
}

async fn ends(client: Client) -> Checked {
    equal(client.close().await.to_string().as_str(), "closed by this end with code 1000")
}
