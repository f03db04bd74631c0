//! Codex's app-server, whose messages have no `jsonrpc`: a thread is begun and named, and a turn of it is heard to its
//! end, in which Codex asks whether a command may run. The model is ours, so that no account is needed.

mod model;
mod protocol;

use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CallError, Peer};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use self::protocol::{
    Approval, ClientInfo, CodexClient, Decision, Input, Items, ItemsServer, StartParams, Thread,
    ThreadEvents, ThreadEventsServer, ThreadsClient, TurnEvents, TurnEventsServer, TurnsClient,
};
use crate::checks::{Checked, check, equal};

#[derive(Debug, PartialEq)]
enum Heard {
    Started(String),
    Named(String, Option<String>),
    Asked(String),
    Said(String),
    Completed(String),
}

#[derive(Clone)]
struct Ears(UnboundedSender<Heard>);

impl ThreadEvents for Ears {
    fn started(&self, thread: Thread) {
        self.0.send(Heard::Started(thread.id)).ok();
    }

    fn named(&self, thread_id: String, thread_name: Option<String>) {
        self.0.send(Heard::Named(thread_id, thread_name)).ok();
    }
}

impl TurnEvents for Ears {
    fn completed(&self, thread_id: String) {
        self.0.send(Heard::Completed(thread_id)).ok();
    }
}

impl Items for Ears {
    fn said(&self, delta: String) {
        self.0.send(Heard::Said(delta)).ok();
    }

    fn may_run(&self, command: String) -> Approval {
        self.0.send(Heard::Asked(command)).ok();
        Approval { decision: Decision::Accept }
    }
}

const PEER: &str = "Codex";

pub(crate) async fn passes(url: &str) -> bool {
    let (ears, mut heard) = unbounded_channel();
    let ears = Ears(ears);
    let client = Client::builder()
        .jsonrpc_optional(true)
        .service(ThreadEventsServer::new(ears.clone()))
        .service(TurnEventsServer::new(ears.clone()))
        .service(ItemsServer::new(ears))
        .connect(url)
        .await;
    let client = client.expect("there is a server");
    let peer = &client.peer();
    let all = [
        check(PEER, "initializes", initializes(peer)).await,
        check(PEER, "a thread is begun and named, and heard of", begins(peer, &mut heard)).await,
        check(PEER, "a turn asks for a command and is heard", turns(peer, &mut heard)).await,
        check(PEER, "errors", errors(peer)).await,
        check(PEER, "CANNOT take params by position: an error says so", by_position(peer)).await,
        check(PEER, "CANNOT batch: it says nothing", batches(peer)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn initializes(peer: &Peer) -> Checked {
    let codex = CodexClient::new(peer.clone());
    let me = ClientInfo { name: "peers".to_owned(), version: "1".to_owned() };
    equal(codex.initialize(me).await?.user_agent.starts_with("peers/"), true)?;
    codex.initialized().await?;
    Ok(())
}

/// A thread with our model; commands need an approval.
async fn thread() -> std::io::Result<StartParams> {
    let provider =
        json!({"name": "ours", "base_url": model::serve().await?, "wire_api": "responses"});
    Ok(StartParams {
        cwd: "/".to_owned(),
        ephemeral: false,
        model: "ours".to_owned(),
        model_provider: "ours".to_owned(),
        config: json!({"model_providers": {"ours": provider}}),
        approval_policy: "on-request".to_owned(),
        sandbox: "read-only".to_owned(),
    })
}

async fn begins(peer: &Peer, heard: &mut UnboundedReceiver<Heard>) -> Checked {
    let threads = ThreadsClient::new(peer.clone());
    let id = threads.start(thread().await?).await?.thread.id;
    equal(heard.recv().await, Some(Heard::Started(id.clone())))?;
    threads.set_name(&id, "a small job").await?;
    let named = Heard::Named(id.clone(), Some("a small job".to_owned()));
    equal(heard.recv().await, Some(named))?;
    equal(threads.loaded(None).await?.data, vec![id])?;
    // Only what was said something in is kept.
    equal(threads.list(None).await?.data.len(), 0)
}

async fn turns(peer: &Peer, heard: &mut UnboundedReceiver<Heard>) -> Checked {
    let id = ThreadsClient::new(peer.clone()).start(thread().await?).await?.thread.id;
    equal(heard.recv().await, Some(Heard::Started(id.clone())))?;
    let input = Input::Text { text: "how is it?".to_owned() };
    let turn = TurnsClient::new(peer.clone()).start(&id, &[input]).await?.turn;
    equal(turn.id.is_empty(), false)?;

    match heard.recv().await {
        Some(Heard::Asked(command)) => equal(command.contains(model::COMMAND), true)?,
        other => return Err(format!("{other:?}").into()),
    }
    for _ in 0..model::WORDS {
        equal(heard.recv().await, Some(Heard::Said("well ".to_owned())))?;
    }
    equal(heard.recv().await, Some(Heard::Completed(id)))?;
    equal(peer.stats().counters.malformed, 0)
}

async fn errors(peer: &Peer) -> Checked {
    match ThreadsClient::new(peer.clone()).set_name("nonsense", "x").await {
        Err(CallError::Remote(error)) => equal(error.code, rpc_core::ErrorCode::INVALID_REQUEST),
        other => Err(format!("{:?}", other.is_ok()).into()),
    }
}

async fn by_position(peer: &Peer) -> Checked {
    let refused = peer.call::<()>("thread/name/set", ("nonsense", "x")).await;
    let invalid = rpc_core::ErrorCode::INVALID_REQUEST;
    equal(matches!(refused, Err(CallError::Remote(error)) if error.code == invalid), true)
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let call = ThreadsClient::new(&batch).list(None).timeout(Duration::from_millis(500));
    batch.send().await?;
    equal(matches!(call.await, Err(CallError::Timeout { .. })), true)
}
