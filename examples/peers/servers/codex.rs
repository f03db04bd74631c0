//! A thread is begun and named in Codex's app-server, whose messages have no `jsonrpc`. No account is needed so far.

use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CallError, Peer, Result, service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::checks::{Checked, check, equal};

#[service(by_name, rename_all_params = "camelCase")]
trait Codex {
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
trait Threads {
    /// Those that were said something in.
    fn list(&self, limit: Option<u32>) -> Page<Thread>;
    fn start(&self, cwd: &str) -> Result<Started>;
    #[method(name = "name/set")]
    fn set_name(&self, thread_id: &str, name: &str) -> Result<Nothing>;
    /// Those in memory.
    #[method(name = "loaded/list")]
    fn loaded(&self, limit: Option<u32>) -> Page<String>;
}

/// What it tells.
#[service(namespace = "thread", separator = "/", rename_all_params = "camelCase")]
trait ThreadEvents {
    #[notification]
    fn started(&self, thread: Thread);
    #[notification(name = "name/updated")]
    fn named(&self, thread_id: String, thread_name: Option<String>);
}

#[derive(Deserialize, Serialize)]
struct ClientInfo {
    name: String,
    version: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialized {
    user_agent: String,
}

#[derive(Deserialize, Serialize)]
struct Page<T> {
    data: Vec<T>,
}

#[derive(Deserialize, Serialize)]
struct Started {
    thread: Thread,
}

#[derive(Deserialize, Serialize)]
struct Thread {
    id: String,
}

#[derive(Deserialize, Serialize)]
struct Nothing {}

#[derive(Debug, PartialEq)]
enum Heard {
    Started(String),
    Named(String, Option<String>),
}

struct Ears(UnboundedSender<Heard>);

impl ThreadEvents for Ears {
    fn started(&self, thread: Thread) {
        self.0.send(Heard::Started(thread.id)).ok();
    }

    fn named(&self, thread_id: String, thread_name: Option<String>) {
        self.0.send(Heard::Named(thread_id, thread_name)).ok();
    }
}

const PEER: &str = "Codex";

pub(crate) async fn passes(url: &str) -> bool {
    let (ears, mut heard) = unbounded_channel();
    let client = Client::builder()
        .jsonrpc_optional(true)
        .service(ThreadEventsServer::new(Ears(ears)))
        .connect(url)
        .await;
    let client = client.expect("there is a server");
    let peer = &client.peer();
    let threads = &ThreadsClient::new(peer.clone());
    let all = [
        check(PEER, "initializes", initializes(peer)).await,
        check(PEER, "lists threads", lists(threads)).await,
        check(PEER, "a thread is begun and named, and heard of", begins(threads, &mut heard)).await,
        check(PEER, "errors", errors(threads)).await,
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

async fn lists(threads: &ThreadsClient) -> Checked {
    equal(threads.list(None).await?.data.len(), 0)
}

async fn begins(threads: &ThreadsClient, heard: &mut UnboundedReceiver<Heard>) -> Checked {
    let id = threads.start("/").await?.thread.id;
    equal(heard.recv().await, Some(Heard::Started(id.clone())))?;
    threads.set_name(&id, "a small job").await?;
    let named = Heard::Named(id.clone(), Some("a small job".to_owned()));
    equal(heard.recv().await, Some(named))?;
    equal(threads.loaded(None).await?.data, vec![id])
}

async fn errors(threads: &ThreadsClient) -> Checked {
    match threads.set_name("nonsense", "x").await {
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
