//! An MCP server of the revision 2026-07-28: a tool that needs something of the host ends its call with questions, and
//! the host makes the call again with the answers. Between the rounds the server keeps nothing.

mod types;

use std::collections::BTreeMap;

use rpc_core::{Dialect, ErrorObject, Progress, Result, service};
use rpc_server::{Server, ServerBuilder};
use serde_json::{Map, Value, json};
use types::{Answers, Discovered, Meta, Outcome, Question, REVISION, Tool, ToolResult, Tools};

/// The methods that the host calls. Params may have members of later revisions.
#[service(rename_all_params = "camelCase", by_name, allow_unknown)]
trait Mcp {
    #[method(name = "server/discover")]
    fn discover(&self, #[param(rename = "_meta")] meta: Meta) -> Result<Discovered>;
    #[method(name = "tools/list")]
    fn list_tools(
        &self,
        #[param(rename = "_meta")] meta: Meta,
        cursor: Option<String>,
    ) -> Result<Tools>;
    #[method(name = "tools/call")]
    fn call_tool(
        &self,
        #[param(rename = "_meta")] meta: Meta,
        name: &str,
        arguments: Option<Value>,
        input_responses: Option<Answers>,
        request_state: Option<String>,
        progress: Progress<Value>,
    ) -> Result<Outcome>;
}

struct Toolbox;

/// One round of a call: what was asked for, and what is known by now.
struct Round {
    meta: Meta,
    arguments: Value,
    answers: Answers,
    state: Option<String>,
}

impl Mcp for Toolbox {
    fn discover(&self, meta: Meta) -> Result<Discovered> {
        check(&meta)?;
        let others = members(json!({
            "capabilities": { "tools": {} }, "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "rounds", "version": "1.0.0" } },
        }));
        Ok(Discovered { supported_versions: vec![REVISION.into()], others })
    }

    fn list_tools(&self, meta: Meta, _cursor: Option<String>) -> Result<Tools> {
        check(&meta)?;
        let tool = |name: &str, description: &str| Tool {
            name: name.into(),
            others: members(
                json!({ "description": description, "inputSchema": { "type": "object" } }),
            ),
        };
        let tools = vec![
            tool("trip", "asks where to, and then the host's model what is to be seen there"),
            tool("ask", "asks `times` times"),
            tool("later", "asks for nothing, but to be called again, `times` times"),
            tool("meta", "tells what came beside the call"),
        ];
        let others =
            members(json!({ "resultType": "complete", "ttlMs": 0, "cacheScope": "private" }));
        Ok(Tools { tools, others })
    }

    fn call_tool(
        &self,
        meta: Meta,
        name: &str,
        arguments: Option<Value>,
        input_responses: Option<Answers>,
        request_state: Option<String>,
        progress: Progress<Value>,
    ) -> Result<Outcome> {
        check(&meta)?;
        let (arguments, answers) =
            (arguments.unwrap_or_default(), input_responses.unwrap_or_default());
        let round = Round { meta, arguments, answers, state: request_state };
        match name {
            "trip" => round.trip(),
            "ask" => {
                let question = question("elicitation/create", "Again?", "again");
                progress.report(&json!({ "progress": round.count()? + 1 }));
                round.again(BTreeMap::from([("again".to_owned(), question)]))
            }
            "later" => round.again(BTreeMap::new()),
            "meta" => Ok(said(Value::from(round.meta.others).to_string())),
            _ => Err(ErrorObject::invalid_params(format!("no tool `{name}`"))),
        }
    }
}

impl Round {
    /// Three rounds. The state is the host's own answer, so a host that changes it gains nothing. A state that the
    /// server has to rely on must be signed.
    fn trip(self) -> Result<Outcome> {
        let place = match (&self.state, self.answers.get("place")) {
            (Some(place), _) => place.clone(),
            (None, Some(answer)) if answer["action"] == "accept" => {
                answer["content"]["place"].as_str().unwrap_or_default().to_owned()
            }
            (None, Some(_)) => return Ok(said("nobody goes anywhere".to_owned())),
            (None, None) => {
                self.needs("elicitation")?;
                let question = question("elicitation/create", "Where to?", "place");
                return Ok(asks(BTreeMap::from([("place".to_owned(), question)]), None));
            }
        };
        let sight = self.answers.get("sight").and_then(|sight| sight["content"]["text"].as_str());
        let folder =
            self.answers.get("folder").and_then(|folder| folder["roots"][0]["uri"].as_str());
        if let (Some(sight), Some(folder)) = (sight, folder) {
            return Ok(said(format!("{place}: {sight}, see {folder}")));
        }
        self.needs("sampling")?;
        self.needs("roots")?;
        let text = format!("What is to be seen in {place}?");
        let params = json!({
            "messages": [{ "role": "user", "content": { "type": "text", "text": text } }], "maxTokens": 100,
        });
        let sight = Question { method: "sampling/createMessage".into(), params: members(params) };
        let folder = Question { method: "roots/list".into(), params: Map::new() };
        let questions =
            BTreeMap::from([("sight".to_owned(), sight), ("folder".to_owned(), folder)]);
        Ok(asks(questions, Some(place)))
    }

    /// How many rounds the call has had.
    fn count(&self) -> Result<u64> {
        let Some(state) = &self.state else { return Ok(0) };
        state.parse().map_err(|_| ErrorObject::invalid_params("the state is not of this tool"))
    }

    /// Asks the questions in as many rounds as the arguments say.
    fn again(self, questions: BTreeMap<String, Question>) -> Result<Outcome> {
        let count = self.count()?;
        if self.arguments["times"].as_u64().is_some_and(|times| count >= times) {
            return Ok(said(format!("{count} rounds")));
        }
        Ok(asks(questions, Some((count + 1).to_string())))
    }

    /// A host is asked only for what it has said that it can.
    fn needs(&self, capability: &str) -> Result<()> {
        if self.meta.capabilities.contains_key(capability) {
            return Ok(());
        }
        let message = format!("this needs a host with `{capability}`");
        Err(ErrorObject::new(-32021, message)
            .with_data(&json!({ "requiredCapabilities": { capability: {} } })))
    }
}

/// Each request says which revision it is of.
fn check(meta: &Meta) -> Result<()> {
    if meta.revision == REVISION {
        return Ok(());
    }
    Err(ErrorObject::new(-32022, "this server does not speak that revision")
        .with_data(&json!({ "supported": [REVISION], "requested": meta.revision })))
}

/// A question to the user, who answers by one text.
fn question(method: &str, message: &str, answer: &str) -> Question {
    let schema = json!({ "type": "object", "properties": { answer: { "type": "string" } }, "required": [answer] });
    let params = members(json!({ "mode": "form", "message": message, "requestedSchema": schema }));
    Question { method: method.into(), params }
}

fn asks(input_requests: BTreeMap<String, Question>, request_state: Option<String>) -> Outcome {
    Outcome::InputRequired { input_requests, request_state, others: Map::new() }
}

fn said(text: String) -> Outcome {
    let content = vec![json!({ "type": "text", "text": text })];
    Outcome::Complete(ToolResult { content, is_error: false, others: Map::new() })
}

fn members(object: Value) -> Map<String, Value> {
    let Value::Object(members) = object else { unreachable!("each call is with an object") };
    members
}

/// Returns the services of the server, for any transport.
pub(crate) fn services() -> ServerBuilder {
    Server::builder().dialect(Dialect::Mcp).service(McpServer::new(Toolbox))
}
