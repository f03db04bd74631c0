//! A group of loudspeakers is renamed in snapserver, and whoever else is connected hears its new name.

use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CallError, Peer, Result, service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use crate::checks::{Checked, check, equal};

#[service(namespace = "Server", rename_all = "PascalCase")]
trait Snapserver {
    fn get_status(&self) -> Status;
    #[method(name = "GetRPCVersion")]
    fn rpc_version(&self) -> Version;
}

#[service(namespace = "Group", rename_all = "PascalCase", by_name)]
trait Groups {
    fn set_name(&self, id: &str, name: &str) -> Result<Named>;
}

/// What snapserver tells, but not to who caused it.
#[service(namespace = "Group", rename_all = "PascalCase")]
trait GroupEvents {
    #[notification]
    fn on_name_changed(&self, id: String, name: String);
}

#[derive(Deserialize, Serialize)]
struct Status {
    server: Server,
}

#[derive(Deserialize, Serialize)]
struct Server {
    groups: Vec<Group>,
}

#[derive(Deserialize, Serialize)]
struct Group {
    id: String,
    name: String,
}

#[derive(Deserialize, Serialize)]
struct Named {
    name: String,
}

#[derive(Deserialize, Serialize)]
struct Version {
    major: u32,
}

struct Ears(UnboundedSender<(String, String)>);

impl GroupEvents for Ears {
    fn on_name_changed(&self, id: String, name: String) {
        self.0.send((id, name)).ok();
    }
}

const PEER: &str = "snapserver";

pub(crate) async fn passes(url: &str) -> bool {
    let (ears, mut heard) = unbounded_channel();
    let listener = Client::builder().service(GroupEventsServer::new(Ears(ears))).connect(url).await;
    let _listener = listener.expect("there is a server");
    let (ears, mut echo) = unbounded_channel();
    let client = Client::builder().service(GroupEventsServer::new(Ears(ears))).connect(url).await;
    let client = client.expect("there is a server");
    let peer = &client.peer();
    let all = [
        check(PEER, "a group is renamed, and heard of", renames(peer, &mut heard, &mut echo)).await,
        check(PEER, "errors keep code and data", errors(peer)).await,
        check(PEER, "CANNOT take params by position: an error says so", by_position(peer)).await,
        check(PEER, "batch", batches(peer)).await,
    ];
    all.into_iter().all(|passed| passed)
}

/// The group of the one player; players connect when they like.
async fn group(server: &SnapserverClient) -> Result<Group, CallError> {
    loop {
        if let Some(group) = server.get_status().await?.server.groups.into_iter().next() {
            return Ok(group);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

type Heard = UnboundedReceiver<(String, String)>;

async fn renames(peer: &Peer, heard: &mut Heard, echo: &mut Heard) -> Checked {
    let (server, groups) = (SnapserverClient::new(peer.clone()), GroupsClient::new(peer.clone()));
    let id = group(&server).await?.id;
    for name in ["kitchen", "living room"] {
        equal(groups.set_name(&id, name).await?.name.as_str(), name)?;
        equal(heard.recv().await, Some((id.clone(), name.to_owned())))?;
        equal(group(&server).await?.name.as_str(), name)?;
    }
    equal(echo.try_recv().is_err(), true)
}

async fn errors(peer: &Peer) -> Checked {
    match GroupsClient::new(peer.clone()).set_name("nonsense", "x").await {
        Err(CallError::Remote(error)) => {
            equal(error.code, rpc_core::ErrorCode::INTERNAL)?;
            equal(error.data_as::<String>().as_deref(), Some("Group not found"))
        }
        other => Err(format!("{:?}", other.map(|named| named.name)).into()),
    }
}

async fn by_position(peer: &Peer) -> Checked {
    let refused = peer.call::<()>("Group.SetName", ("nonsense", "x")).await;
    let internal = rpc_core::ErrorCode::INTERNAL;
    equal(matches!(refused, Err(CallError::Remote(error)) if error.code == internal), true)
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let server = SnapserverClient::new(&batch);
    let (version, status) = (server.rpc_version(), server.get_status());
    batch.send().await?;
    equal((version.await?.major, status.await?.server.groups.len()), (2, 1))
}
