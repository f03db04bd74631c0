//! mopidy's volume is changed, and its events, which are no JSON-RPC, tell so.

use rpc_client::Client;
use rpc_core::{CallError, Peer, RpcError, service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::checks::{Checked, check, equal};

#[service(namespace = "core")]
trait Core {
    fn get_version(&self) -> String;
}

#[service(namespace = "core.mixer")]
trait Mixer {
    fn set_volume(&self, volume: u8) -> Result<bool, MopidyError>;
    /// `None` if it is not known.
    fn get_volume(&self) -> Option<u8>;
}

/// Whatever went wrong in mopidy.
#[derive(Debug, thiserror::Error, RpcError)]
#[error("{0:?}")]
#[rpc(code = 0)]
struct MopidyError(Exception);

/// A Python exception.
#[derive(Debug, Deserialize, Serialize)]
struct Exception {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

/// As in `{"event":"volume_changed","volume":40}`.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    VolumeChanged {
        volume: u8,
    },
    #[serde(other)]
    Other,
}

const PEER: &str = "mopidy";

pub(crate) async fn passes(url: &str) -> bool {
    let (ears, mut heard) = unbounded_channel();
    let client = Client::builder().on_foreign(move |text| {
        ears.send(serde_json::from_str(text)).ok();
    });
    let client = client.connect(url).await.expect("there is a server");
    let mixer = &MixerClient::new(client.peer());
    let all = [
        check(PEER, "the volume is changed, and heard of", volume(mixer, &mut heard)).await,
        check(PEER, "by name", by_name(&client.peer())).await,
        check(PEER, "errors keep code and data", errors(mixer)).await,
        check(PEER, "batch", batches(&client.peer())).await,
        check(PEER, "160 events do no harm to who listens to none", unheard(url)).await,
    ];
    all.into_iter().all(|passed| passed)
}

type Heard = UnboundedReceiver<serde_json::Result<Event>>;

async fn volume(mixer: &MixerClient, heard: &mut Heard) -> Checked {
    for volume in [40, 41] {
        equal(mixer.set_volume(volume).await?, true)?;
        let event = loop {
            match heard.recv().await.ok_or("closed")?? {
                Event::Other => {}
                event => break event,
            }
        };
        equal(event, Event::VolumeChanged { volume })?;
        equal(mixer.get_volume().await?, Some(volume))?;
    }
    Ok(())
}

async fn by_name(peer: &Peer) -> Checked {
    let params = std::collections::BTreeMap::from([("volume", 42)]);
    equal(peer.call("core.mixer.set_volume", params).await?, true)
}

async fn errors(mixer: &MixerClient) -> Checked {
    match mixer.set_volume(101).await {
        Err(CallError::Method(error)) => {
            equal(error.0.kind.as_str(), "ValidationError")?;
            equal(error.0.message.contains("100"), true)
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let mixer = MixerClient::new(&batch);
    let (version, louder, wrong) =
        (CoreClient::new(&batch).get_version(), mixer.set_volume(43), mixer.set_volume(101));
    batch.send().await?;
    equal((version.await?.is_empty(), louder.await?), (false, true))?;
    equal(matches!(wrong.await, Err(CallError::Method(_))), true)
}

async fn unheard(url: &str) -> Checked {
    let client = Client::builder().connect(url).await?;
    let mixer = MixerClient::new(client.peer());
    for round in 0..160 {
        mixer.set_volume(round % 101).await?;
    }
    equal(mixer.get_volume().await?, Some(58))?;
    equal(client.peer().stats().counters.foreign > 100, true)
}
