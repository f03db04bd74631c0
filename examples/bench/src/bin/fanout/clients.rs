//! The clients, and what they have heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bench::Checked;
use rpc_client::Client;
use rpc_core::{Change, Streaming};
use serde_json::value::RawValue;

use crate::told::{Hears, HearsServer, TellsClient};

/// Counts the items that all clients have received.
#[derive(Default)]
struct Heard {
    count: AtomicU64,
    bytes: AtomicU64,
}

impl Heard {
    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Release);
    }
}

struct Ears(Arc<Heard>);

impl Hears for Ears {
    fn event(&self, event: &RawValue) {
        self.0.add(event.get().len());
    }
}

/// Connects this number of clients. Reports the items that they receive, until the server closes.
pub(crate) async fn run(url: &str, kind: &str, clients: &str) -> Checked<()> {
    let heard = Arc::<Heard>::default();
    let mut kept = Vec::new();
    for _ in 0..clients.parse()? {
        let client =
            Client::builder().service(HearsServer::new(Ears(heard.clone()))).connect(url).await?;
        let tells = TellsClient::new(client.peer());
        match kind {
            "group" => tells.join().await?,
            "topic" => listen(tells.events().await?, &heard),
            "whole" => listen(tells.values().await?, &heard),
            _ => {
                watch(client.peer().subscribe("changes", "unsubscribe_changes", ()).await?, &heard)
            }
        }
        kept.push(client);
    }
    let tells = TellsClient::new(kept[0].peer());
    let mut told = None;
    while !kept[0].peer().is_closed() {
        let count = heard.count.load(Ordering::Acquire);
        if told != Some(count) {
            told = Some(count);
            tells.heard(count, heard.bytes.load(Ordering::Relaxed)).await?;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn listen(mut items: Streaming<Box<RawValue>>, heard: &Arc<Heard>) {
    let heard = heard.clone();
    tokio::spawn(async move {
        while let Some(Ok(item)) = items.next().await {
            heard.add(item.get().len());
        }
    });
}

fn watch(mut changes: Streaming<Change<Box<RawValue>>>, heard: &Arc<Heard>) {
    let heard = heard.clone();
    tokio::spawn(async move {
        while let Some(Ok(change)) = changes.next().await {
            heard.add(match change {
                Change::Value(value) => value.get().len(),
                Change::Patch(patch) => patch.get().len(),
            });
        }
    });
}
