//! npm's `@modelcontextprotocol/server` of the revision 2026-07-28, which cannot call its host: a tool that needs
//! something says so in its answer, and is called again.

mod rounds;
#[path = "../../src/bin/field_server/mcp_rounds/types.rs"]
mod types;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rounds::{Failed, Rounds};
use rpc_client::Client;
use rpc_core::{CallError, Dialect, ErrorObject, Progress, Router, memory, service};
use serde_json::{Map, Value, json};
use types::{Answers, Discovered, Meta, Outcome, REVISION, Tools};

use crate::checks::{Checked, check, equal};
use crate::reached::Reached;

/// The part of the protocol that the job needs.
#[service(rename_all_params = "camelCase", by_name)]
trait Mcp {
    #[method(name = "server/discover")]
    fn discover(&self, #[param(rename = "_meta")] meta: Meta) -> Discovered;
    #[method(name = "tools/list")]
    fn list_tools(&self, #[param(rename = "_meta")] meta: Meta) -> Tools;
    #[method(name = "tools/call")]
    fn call_tool(
        &self,
        #[param(rename = "_meta")] meta: Meta,
        name: &str,
        arguments: Value,
        input_responses: Option<Answers>,
        request_state: Option<String>,
        progress: Progress<Value>,
    ) -> Outcome;
}

/// What tools may ask for. Hosts of earlier revisions serve the same trait to their server.
#[service(rename_all_params = "camelCase", by_name, allow_unknown)]
trait Host {
    #[method(name = "elicitation/create")]
    fn elicit(&self, message: &str) -> rpc_core::Result<Value>;
    #[method(name = "sampling/createMessage")]
    fn create_message(&self, messages: Vec<Value>, max_tokens: u32) -> Value;
    #[method(name = "roots/list")]
    fn list_roots(&self) -> Value;
}

const PEER: &str = "npm MCP server, revision 2026-07-28";

#[derive(Default)]
struct Ours {
    /// How often the user was asked.
    asked: Arc<AtomicU32>,
}

impl Host for Ours {
    fn elicit(&self, message: &str) -> rpc_core::Result<Value> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match message {
            "Where to?" => Ok(json!({ "action": "accept", "content": { "place": "Oslo" } })),
            "Again?" => Ok(json!({ "action": "accept", "content": { "again": "yes" } })),
            _ => Err(ErrorObject::new(-1, "the user is out")),
        }
    }

    fn create_message(&self, messages: Vec<Value>, _max_tokens: u32) -> Value {
        let asked = messages[0]["content"]["text"].as_str().unwrap_or_default();
        let text = format!("so you ask: {asked}");
        json!({ "model": "m1", "role": "assistant", "content": { "type": "text", "text": text } })
    }

    fn list_roots(&self) -> Value {
        json!({ "roots": [{ "uri": "file:///work" }] })
    }
}

pub(crate) async fn passes(reached: Reached) -> bool {
    let ours = Ours::default();
    let asked = ours.asked.clone();
    let client = reached.connect(Client::builder().dialect(Dialect::Mcp)).await;
    let client = client.expect("there is a server");
    let (host, _) = memory::pair(Router::new(), HostServer::new(ours));
    let capabilities = json!({ "elicitation": {}, "sampling": {}, "roots": {} });
    let meta = Meta {
        revision: REVISION.into(),
        capabilities: capabilities.as_object().cloned().unwrap_or_default(),
        others: Map::from_iter([("example.org/trace".to_owned(), json!([1]))]),
    };
    let rounds = Rounds { server: McpClient::new(client.peer()), host, meta };
    let all = [
        check(PEER, "is asked what it is, and for its tools", lists(&rounds)).await,
        check(PEER, "a tool asks in two rounds for all that there is", trips(&rounds)).await,
        check(PEER, "a tool that asks for nothing is called again", waits(&rounds)).await,
        check(PEER, "10 rounds are done, and an 11th is not", ends(&rounds, &asked)).await,
        check(PEER, "what we refuse ends the call", refuses(&rounds)).await,
        check(PEER, "`_meta` and unknown members are kept", keeps(&rounds)).await,
        check(PEER, "reports progress", progresses(&rounds)).await,
    ];
    client.close().await;
    all.into_iter().all(|passed| passed)
}

async fn lists(rounds: &Rounds) -> Checked {
    let found = rounds.server.discover(rounds.meta.clone()).await?;
    equal(found.supported_versions, vec![REVISION.to_owned()])?;
    equal(&found.others["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], &json!("rounds"))?;
    let tools = rounds.server.list_tools(rounds.meta.clone()).await?.tools;
    equal(tools[0].name.as_str(), "trip")?;
    equal(&tools[0].others["inputSchema"]["type"], &json!("object"))
}

async fn said(rounds: &Rounds, tool: &str, arguments: Value) -> Result<String, Failed> {
    let result = rounds.call(tool, arguments).await?;
    Ok(result.content.iter().filter_map(|part| part["text"].as_str()).collect())
}

async fn trips(rounds: &Rounds) -> Checked {
    let expected = "Oslo: so you ask: What is to be seen in Oslo?, see file:///work";
    equal(said(rounds, "trip", json!({})).await?.as_str(), expected)
}

async fn waits(rounds: &Rounds) -> Checked {
    equal(said(rounds, "later", json!({ "times": 2 })).await?.as_str(), "2 rounds")
}

async fn ends(rounds: &Rounds, asked: &AtomicU32) -> Checked {
    equal(said(rounds, "ask", json!({ "times": 10 })).await?.as_str(), "10 rounds")?;
    asked.store(0, Ordering::Relaxed);
    let failed = said(rounds, "ask", json!({ "times": 11 })).await.map_err(|why| why.to_string());
    equal(failed, Err("the tool asks for more after 10 rounds".to_owned()))?;
    equal(asked.load(Ordering::Relaxed), 10)
}

async fn refuses(rounds: &Rounds) -> Checked {
    match said(rounds, "insist", json!({})).await {
        Err(Failed::Call(CallError::Remote(error))) => equal(error.code, -1),
        other => Err(format!("{other:?}").into()),
    }
}

async fn keeps(rounds: &Rounds) -> Checked {
    let result = rounds.call("meta", json!({})).await?;
    equal(result.content[0]["text"].as_str(), Some(r#"{"example.org/trace":[1]}"#))?;
    equal(&result.others["_meta"]["example.org/more"], &json!({ "a": 1 }))?;
    equal(&result.others["later"], &json!(true))
}

async fn progresses(rounds: &Rounds) -> Checked {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let arguments = json!({ "times": 0 });
    let call = rounds.server.call_tool(rounds.meta.clone(), "ask", arguments, None, None);
    call.on_progress(move |step| drop(tell.send(step))).await?;
    equal(told.recv().await, Some(json!({ "progress": 1 })))
}
