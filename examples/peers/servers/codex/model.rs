//! A model for Codex, on this machine. It runs a command, if it may, and says what came of it, word by word.

use std::io;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(super) const COMMAND: &str = "echo all is well";

/// More at once than the malformed messages that a client puts up with.
pub(super) const WORDS: usize = 150;

/// Where Codex finds the model.
pub(super) async fn serve() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let app = Router::new().route("/v1/responses", post(answer));
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(url)
}

/// To what was said so far: the events of a response, one by one.
async fn answer(Json(request): Json<Value>) -> impl IntoResponse {
    let mut said = request["input"].as_array().into_iter().flatten();
    let output = said.find(|item| item["type"] == "function_call_output");
    let mut events = vec![json!({"type": "response.created", "response": {"id": "response"}})];
    match output {
        None => events.push(json!({"type": "response.output_item.done", "item": command()})),
        Some(output) => say(&mut events, &output["output"]),
    }
    events.push(json!({"type": "response.completed", "response": {"id": "response"}}));
    let body: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("")))
        .collect();
    ([(CONTENT_TYPE, "text/event-stream")], body)
}

fn command() -> Value {
    let arguments = json!({
        "cmd": COMMAND,
        "sandbox_permissions": "require_escalated",
        "justification": "I wonder",
    });
    json!({
        "type": "function_call",
        "call_id": "call",
        "name": "exec_command",
        "arguments": arguments.to_string(),
    })
}

fn say(events: &mut Vec<Value>, output: &Value) {
    let word = if output.to_string().contains("all is well") { "well " } else { "ill " };
    let message = |content| json!({"type": "message", "role": "assistant", "id": "message", "content": content});
    events.push(json!({"type": "response.output_item.added", "item": message(json!([]))}));
    for _ in 0..WORDS {
        events.push(json!({
            "type": "response.output_text.delta",
            "item_id": "message",
            "output_index": 0,
            "content_index": 0,
            "delta": word,
        }));
    }
    let text = json!([{"type": "output_text", "text": word.repeat(WORDS)}]);
    events.push(json!({"type": "response.output_item.done", "item": message(text)}));
}
