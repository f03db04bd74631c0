//! aria2 downloads a file from a web server of ours, and its notifications tell when it began and ended.

use std::fs;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rpc_client::Client;
use rpc_core::{CallError, Limits, Peer, Result, service};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use crate::checks::{Checked, check, equal};

/// The methods of aria2 that the job calls.
#[service(namespace = "aria2", rename_all = "camelCase")]
trait Aria2 {
    fn add_uri(&self, uris: &[String], options: Option<Options>) -> Result<String>;
    fn tell_status(&self, gid: &str) -> Result<Status>;
    fn get_version(&self) -> Version;
}

/// The notifications of aria2.
#[service(namespace = "aria2", rename_all = "camelCase")]
trait Aria2Events {
    #[notification]
    fn on_download_start(&self, event: Event);
    #[notification]
    fn on_download_complete(&self, event: Event);
}

#[derive(Serialize, Deserialize)]
struct Options {
    out: String,
}

#[derive(Deserialize, Serialize)]
struct Version {
    version: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status: String,
    /// Numbers are text.
    completed_length: String,
    files: Vec<File>,
}

#[derive(Deserialize, Serialize)]
struct File {
    path: String,
}

#[derive(Deserialize, Serialize)]
struct Event {
    gid: String,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Start(String),
    Complete(String),
}

struct Ears(UnboundedSender<Heard>);

impl Aria2Events for Ears {
    fn on_download_start(&self, event: Event) {
        self.0.send(Heard::Start(event.gid)).ok();
    }

    fn on_download_complete(&self, event: Event) {
        self.0.send(Heard::Complete(event.gid)).ok();
    }
}

const PEER: &str = "aria2";

pub(crate) async fn passes(url: &str) -> bool {
    let (ears, mut heard) = unbounded_channel();
    let client = Client::builder().service(Aria2EventsServer::new(Ears(ears))).connect(url).await;
    let client = client.expect("there is a server");
    let aria2 = &Aria2Client::new(client.peer());
    let all = [
        check(PEER, "downloads, and tells the end", downloads(aria2, &mut heard)).await,
        check(PEER, "errors keep their code", errors(aria2)).await,
        check(PEER, "CANNOT take params by name: an error says so", by_name(&client.peer())).await,
        check(PEER, "batch", batches(&client.peer())).await,
        check(PEER, "CANNOT answer pings without an error, which harms no call", pings(url)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn downloads(aria2: &Aria2Client, heard: &mut UnboundedReceiver<Heard>) -> Checked {
    let content: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let served = content.clone();
    let web = Router::new().route("/file", get(move || async { served }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let file = format!("http://{}/file", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, web).await });

    let gid = aria2.add_uri(&[file], Some(Options { out: "a file".to_owned() })).await?;
    equal(heard.recv().await, Some(Heard::Start(gid.clone())))?;
    equal(heard.recv().await, Some(Heard::Complete(gid.clone())))?;
    let status = aria2.tell_status(&gid).await?;
    equal((status.status.as_str(), status.completed_length.as_str()), ("complete", "2000000"))?;
    equal(fs::read(&status.files[0].path)? == content, true)
}

async fn errors(aria2: &Aria2Client) -> Checked {
    match aria2.tell_status("0123456789abcdef").await {
        Err(CallError::Method(error)) => {
            equal((error.code, error.message.as_str()), (1, "GID 0123456789abcdef is not found"))
        }
        other => Err(format!("{:?}", other.map(|status| status.status)).into()),
    }
}

async fn by_name(peer: &Peer) -> Checked {
    let params = std::collections::BTreeMap::from([("gid", "0123456789abcdef")]);
    let refused = peer.call::<()>("aria2.tellStatus", params).await;
    let invalid = rpc_core::ErrorCode::INVALID_PARAMS;
    equal(matches!(refused, Err(CallError::Remote(error)) if error.code == invalid), true)
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let aria2 = Aria2Client::new(&batch);
    let (version, unknown) = (aria2.get_version(), aria2.tell_status("0123456789abcdef"));
    batch.send().await?;
    equal(version.await?.version.is_empty(), false)?;
    equal(matches!(unknown.await, Err(CallError::Method(error)) if error.code == 1), true)
}

/// It answers each ping with a pong, and with an error without an id.
async fn pings(url: &str) -> Checked {
    let mut limits = Limits::client();
    limits.ping = Duration::from_millis(100);
    let client = Client::builder().limits(limits).connect(url).await?;
    while client.peer().stats().counters.unaddressed == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    Aria2Client::new(client.peer()).get_version().await?;
    Ok(())
}
