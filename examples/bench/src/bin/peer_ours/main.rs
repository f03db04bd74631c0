//! This framework, for the cases that every peer plays. An ordinary user: annotated traits, default limits.

mod service;

use std::convert::Infallible;

use cases::{CHUNK, Checked, Peer, Taken, listening};
use futures_util::stream;
use rpc_client::Client;
use rpc_core::{Base64, Streaming};
use rpc_server::Server;
use service::{CasesClient, CasesServer, Heard, HearsServer, Service};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver};

struct Ours {
    client: Client,
    heard: Mutex<UnboundedReceiver<u64>>,
}

impl Ours {
    fn cases(&self) -> CasesClient {
        CasesClient::new(self.client.peer())
    }
}

/// The numbers from 0 on.
fn items() -> Streaming<u64> {
    Streaming::new(stream::iter(0..))
}

/// The same chunk again and again.
fn chunks() -> Streaming<Base64> {
    let chunk = Base64::from(vec![7; CHUNK]);
    Streaming::new(stream::iter(std::iter::repeat(chunk)))
}

impl Peer for Ours {
    async fn serve() -> Checked<Infallible> {
        let server = Server::builder().service(CasesServer::new(Service::default()));
        let server = server.bind("127.0.0.1:0").await?.spawn();
        listening(server.local_addr().ok_or("a server without an address")?);
        std::future::pending().await
    }

    async fn connect(address: &str) -> Checked<Self> {
        let (sender, heard) = mpsc::unbounded_channel();
        let client = Client::builder().service(HearsServer::new(Heard(sender)));
        let client = client.connect(format!("ws://{address}")).await?;
        Ok(Self { client, heard: Mutex::new(heard) })
    }

    async fn add(&self, a: i64, b: i64) -> Checked<i64> {
        Ok(self.cases().add(a, b).await?)
    }

    async fn close(self) -> Checked {
        self.client.close().await;
        Ok(())
    }

    async fn items_down(&self, taken: &Taken) -> Checked {
        let mut items = self.cases().items_down().await?;
        while let Some(item) = items.next().await {
            taken.item(item?)?;
        }
        Ok(())
    }

    async fn items_up(&self) -> Checked {
        Ok(self.cases().items_up(items()).await?)
    }

    async fn chunks_down(&self, taken: &Taken) -> Checked {
        let mut chunks = self.cases().chunks_down().await?;
        while let Some(chunk) = chunks.next().await {
            taken.chunk(chunk?.len())?;
        }
        Ok(())
    }

    async fn chunks_up(&self) -> Checked {
        Ok(self.cases().chunks_up(chunks()).await?)
    }

    async fn taken(&self) -> Checked<u64> {
        Ok(self.cases().taken().await?)
    }

    async fn listen(&self, taken: &Taken) -> Checked {
        self.cases().listen().await?;
        while let Some(value) = self.heard.lock().await.recv().await {
            taken.item(value)?;
        }
        Ok(())
    }

    async fn publish(&self, value: u64) -> Checked<u64> {
        Ok(self.cases().publish(value).await?)
    }
}

fn main() -> Checked {
    cases::main::<Ours>()
}
