//! An MCP server, as agents connect to one over a WebSocket: tools that ask back what only the agent's host can do.

mod types;

use std::future::pending;
use std::sync::Arc;

use rpc_core::{Context, Dialect, ErrorObject, Progress, Result, service};
use rpc_server::{Server, ServerBuilder};
use serde_json::{Value, json};
use types::{
    Content, Initialize, Initialized, Message, Roots, Sampled, Step, Tool, ToolResult, Tools,
};

/// The methods that the host calls. Params may have members of later revisions.
#[service(rename_all_params = "camelCase", by_name, allow_unknown)]
pub(crate) trait Mcp {
    fn initialize(&self, #[param(flatten)] host: Initialize) -> Initialized;
    #[notification(name = "notifications/initialized")]
    fn initialized(&self);
    #[method(name = "tools/list")]
    fn list_tools(&self, cursor: Option<String>) -> Tools;
    #[method(name = "tools/call")]
    async fn call_tool(
        &self,
        cx: &Context,
        name: &str,
        arguments: Option<Value>,
        progress: Progress<Step>,
    ) -> Result<ToolResult>;
}

/// The methods that the host offers.
#[service(rename_all_params = "camelCase", by_name)]
pub(crate) trait Host {
    #[method(name = "sampling/createMessage")]
    fn create_message(&self, messages: Vec<Message>, max_tokens: u32) -> Sampled;
    fn ping(&self) -> Value;
    #[method(name = "roots/list")]
    fn list_roots(&self) -> Roots;
}

/// The only revision that is spoken: a host that cannot speak it hangs up.
const REVISION: &str = "2025-11-25";

#[derive(Default)]
struct Toolbox {
    /// How many calls of `wait` there are.
    waiting: Arc<()>,
}

impl Mcp for Toolbox {
    fn initialize(&self, _host: Initialize) -> Initialized {
        Initialized {
            protocol_version: REVISION.into(),
            capabilities: json!({ "tools": {} }),
            server_info: json!({ "name": "toolbox", "version": "1.0.0" }),
        }
    }

    fn initialized(&self) {}

    fn list_tools(&self, _cursor: Option<String>) -> Tools {
        let tool = |name: &str, description: &str| Tool {
            name: name.into(),
            description: description.into(),
            input_schema: json!({ "type": "object" }),
        };
        let tools = vec![
            tool("summarize", "asks the host's model for a summary of `text`"),
            tool("folders", "the folders that the host lets tools see"),
            tool("count", "counts to `to`, and reports each step"),
            tool("wait", "waits until it is cancelled"),
            tool("waiting", "how many such calls there are"),
        ];
        Tools { tools }
    }

    async fn call_tool(
        &self,
        cx: &Context,
        name: &str,
        arguments: Option<Value>,
        progress: Progress<Step>,
    ) -> Result<ToolResult> {
        let arguments = arguments.unwrap_or_default();
        let host = HostClient::new(cx.peer());
        match name {
            "summarize" => {
                let text = arguments["text"].as_str().unwrap_or_default();
                let text = format!("Summarize: {text}");
                let asked = Message { role: "user".into(), content: Content::Text { text } };
                let sampled = host.create_message(vec![asked], 100).forwarded().await?;
                let Content::Text { text } = sampled.content;
                Ok(said(format!("{} says: {text}", sampled.model)))
            }
            "folders" => {
                let Roots { roots } = host.list_roots().forwarded().await?;
                let uris: Vec<_> = roots.into_iter().map(|root| root.uri).collect();
                Ok(said(uris.join(", ")))
            }
            "count" => {
                let total = arguments["to"].as_u64().and_then(|to| to.try_into().ok()).unwrap_or(0);
                for step in 1..=total {
                    progress.report(&Step { progress: step, total });
                    // There are hosts that lose a report right before the answer; so they have it first.
                    host.ping().forwarded().await?;
                }
                Ok(said(format!("counted to {total}")))
            }
            "wait" => {
                let _waiting = self.waiting.clone();
                pending().await
            }
            "waiting" => Ok(said((Arc::strong_count(&self.waiting) - 1).to_string())),
            _ => Err(ErrorObject::invalid_params(format!("no tool `{name}`"))),
        }
    }
}

fn said(text: String) -> ToolResult {
    ToolResult { content: vec![Content::Text { text }] }
}

pub(crate) fn server() -> ServerBuilder {
    services().subprotocol("mcp")
}

/// Returns the services of the server, for any transport.
pub(crate) fn services() -> ServerBuilder {
    Server::builder().dialect(Dialect::Mcp).service(McpServer::new(Toolbox::default()))
}
