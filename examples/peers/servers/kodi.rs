//! A remote of the media centre Kodi: it changes the volume, and hears of it and of what other remotes announce.

use std::future::ready;
use std::time::Duration;

use rpc_client::Client;
use rpc_core::types::RawParams;
use rpc_core::{CallError, CloseCode, Context, Limits, Peer, Result, Router, service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::checks::{Checked, check, equal};

#[service(namespace = "Application", rename_all = "PascalCase", by_name)]
trait Application {
    fn set_volume(&self, volume: u8) -> Result<u8>;
    fn get_properties(&self, properties: &[String]) -> Result<Properties>;
}

#[service(namespace = "JSONRPC", rename_all = "PascalCase")]
trait Kodi {
    fn ping(&self) -> String;
    /// Tells all remotes `Other.<message>`.
    fn notify_all(&self, sender: &str, message: &str, data: Option<Note>) -> Result<String>;
}

/// The notifications of Kodi.
#[service(namespace = "Application", rename_all = "PascalCase")]
trait ApplicationEvents {
    #[notification]
    fn on_volume_changed(&self, sender: String, data: Volume);
}

#[derive(Deserialize, Serialize)]
struct Properties {
    volume: u8,
}

#[derive(Deserialize, Serialize)]
struct Volume {
    volume: f64,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Announcement {
    sender: String,
    data: Option<Note>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Note {
    minutes: u8,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Volume(f64),
    Other(String, Result<Announcement>),
}

struct Ears(UnboundedSender<Heard>);

impl ApplicationEvents for Ears {
    fn on_volume_changed(&self, _sender: String, data: Volume) {
        self.0.send(Heard::Volume(data.volume)).ok();
    }
}

/// Serves the announcements of other remotes, which choose the names themselves.
fn announcements(ears: UnboundedSender<Heard>) -> Router {
    Router::new().notification_fallback(move |_: Context, method: String, params: RawParams| {
        if method.starts_with("Other.") {
            ears.send(Heard::Other(method, params.parse())).ok();
        }
        ready(())
    })
}

const PEER: &str = "Kodi";

pub(crate) async fn passes(url: &str) -> bool {
    let (ears, mut heard) = unbounded_channel();
    let client = Client::builder()
        // It answers pings by text that is none.
        .keepalive(false)
        .service(ApplicationEventsServer::new(Ears(ears.clone())))
        .service(announcements(ears))
        .connect(url)
        .await;
    let client = client.expect("there is a server");
    let peer = &client.peer();
    let application = &ApplicationClient::new(peer.clone());
    let all = [
        check(PEER, "the volume is changed, and heard of", volume(application, &mut heard)).await,
        check(PEER, "remotes hear each other", announces(url, &mut heard)).await,
        check(PEER, "errors", errors(application)).await,
        check(PEER, "batch", batches(peer)).await,
        check(PEER, "CANNOT be pinged: its answer is no text", pings(url)).await,
        check(PEER, "its empty answers to 200 notifications do no harm", notifies(peer)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn volume(application: &ApplicationClient, heard: &mut UnboundedReceiver<Heard>) -> Checked {
    // From wherever it stands, it changes at least once.
    application.set_volume(20).await?;
    application.set_volume(40).await?;
    while heard.recv().await.ok_or("closed")? != Heard::Volume(40.0) {}
    let properties = application.get_properties(&["volume".to_owned()]).await?;
    equal(properties.volume, 40)
}

async fn announces(url: &str, heard: &mut UnboundedReceiver<Heard>) -> Checked {
    let kitchen = Client::builder().keepalive(false).connect(url).await?;
    let kodi = KodiClient::new(kitchen.peer());
    for minutes in [Some(5), None] {
        let data = minutes.map(|minutes| Note { minutes });
        let announced = Announcement { sender: "kitchen".to_owned(), data: data.clone() };
        kodi.notify_all("kitchen", "dinner", data).await?;
        equal(heard.recv().await, Some(Heard::Other("Other.dinner".to_owned(), Ok(announced))))?;
    }
    Ok(())
}

async fn errors(application: &ApplicationClient) -> Checked {
    match application.set_volume(101).await {
        Err(CallError::Remote(error)) => {
            equal(error.code, rpc_core::ErrorCode::INVALID_PARAMS)?;
            equal(error.data.is_some(), true)
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let (pong, set) =
        (KodiClient::new(&batch).ping(), ApplicationClient::new(&batch).set_volume(30));
    batch.send().await?;
    equal((pong.await?.as_str(), set.await?), ("pong", 30))
}

async fn pings(url: &str) -> Checked {
    let mut limits = Limits::client();
    limits.ping = Duration::from_millis(100);
    let client = Client::builder().limits(limits).connect(url).await?;
    equal(client.closed().await.code, Some(CloseCode::INVALID_TEXT))
}

async fn notifies(peer: &Peer) -> Checked {
    for _ in 0..200 {
        peer.notify("JSONRPC.Ping", ()).await?;
    }
    equal(KodiClient::new(peer.clone()).ping().await?.as_str(), "pong")?;
    equal(peer.stats().counters.malformed, 0)
}
