//! crates.io's `remoc`, for the benchmark: remote traits over TCP, streams by its channels.
//!
//! Settings: those of its documentation, with `TCP_NODELAY` and its default codec. Its windows are dynamic by
//! themselves (up to 128 MB). `add` is numbered, as it advises for small requests. Chunks go through `rch::bin`, which
//! it has for bytes. Calls run beside each other (its `serve` with the default parallelism), as they do with the
//! others.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::{Buf, Bytes};
use cases::{CHUNK, Checked, Peer, Taken, listening};
use remoc::prelude::*;
use remoc::rtc::CallError;
use tokio::net::{TcpListener, TcpStream};

/// More than the benchmark ever publishes before all have it.
const PUBLISHED: usize = 64;

#[rtc::remote]
trait Cases {
    #[serde(rename = "_0")]
    async fn add(
        &self,
        #[serde(rename = "_0")] a: i64,
        #[serde(rename = "_1")] b: i64,
    ) -> Result<i64, CallError>;
    async fn items_down(&self) -> Result<rch::mpsc::Receiver<u64>, CallError>;
    async fn items_up(&self, items: rch::mpsc::Receiver<u64>) -> Result<(), CallError>;
    async fn chunks_down(&self) -> Result<rch::bin::Receiver, CallError>;
    async fn chunks_up(&self, chunks: rch::bin::Receiver) -> Result<(), CallError>;
    async fn taken(&self) -> Result<u64, CallError>;
    async fn listen(&self) -> Result<rch::broadcast::Receiver<u64>, CallError>;
    async fn publish(&self, value: u64) -> Result<u64, CallError>;
}

struct Service {
    taken: Arc<AtomicU64>,
    published: rch::broadcast::Sender<u64>,
}

impl Cases for Service {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError> {
        Ok(a.wrapping_add(b))
    }

    async fn items_down(&self) -> Result<rch::mpsc::Receiver<u64>, CallError> {
        let (sender, items) = rch::mpsc::channel();
        tokio::spawn(async move { send_items(sender).await });
        Ok(items)
    }

    async fn items_up(&self, mut items: rch::mpsc::Receiver<u64>) -> Result<(), CallError> {
        let taken = self.taken.clone();
        tokio::spawn(async move {
            while let Ok(Some(_)) = items.recv().await {
                taken.fetch_add(1, Relaxed);
            }
        });
        Ok(())
    }

    async fn chunks_down(&self) -> Result<rch::bin::Receiver, CallError> {
        let (sender, chunks) = rch::bin::channel();
        tokio::spawn(async move { send_chunks(sender).await });
        Ok(chunks)
    }

    async fn chunks_up(&self, chunks: rch::bin::Receiver) -> Result<(), CallError> {
        let taken = self.taken.clone();
        tokio::spawn(async move {
            let Ok(mut chunks) = chunks.into_inner().await else { return };
            while let Ok(Some(chunk)) = chunks.recv().await {
                taken.fetch_add(chunk.remaining() as u64, Relaxed);
            }
        });
        Ok(())
    }

    async fn taken(&self) -> Result<u64, CallError> {
        Ok(self.taken.load(Relaxed))
    }

    async fn listen(&self) -> Result<rch::broadcast::Receiver<u64>, CallError> {
        Ok(self.published.subscribe(PUBLISHED))
    }

    async fn publish(&self, value: u64) -> Result<u64, CallError> {
        // Nobody may listen yet.
        let _nobody = self.published.send(value);
        Ok(self.published.receiver_count() as u64)
    }
}

/// Until nobody takes them any more.
async fn send_items(sender: rch::mpsc::Sender<u64>) -> Checked {
    for item in 0.. {
        sender.send(item).await?;
    }
    Ok(())
}

async fn send_chunks(sender: rch::bin::Sender) -> Checked {
    let mut chunks = sender.into_inner().await?;
    let chunk = Bytes::from(vec![7; CHUNK]);
    loop {
        chunks.send(chunk.clone()).await?;
    }
}

struct Remoc(CasesClient);

impl Peer for Remoc {
    async fn serve() -> Checked<Infallible> {
        let service =
            Arc::new(Service { taken: Arc::default(), published: rch::broadcast::Sender::new() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        listening(listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let service = service.clone();
            tokio::spawn(async move {
                let (server, client) = CasesServerShared::<_, remoc::codec::Default>::new(service);
                let (read, write) = socket.into_split();
                // That the client has gone is no error.
                if remoc::Connect::io(remoc::Cfg::default(), read, write)
                    .provide(client)
                    .await
                    .is_ok()
                {
                    let _ended = server.serve().await;
                }
            });
        }
    }

    async fn connect(address: &str) -> Checked<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (read, write) = socket.into_split();
        Ok(Self(remoc::Connect::io(remoc::Cfg::default(), read, write).consume().await?))
    }

    async fn add(&self, a: i64, b: i64) -> Checked<i64> {
        Ok(self.0.add(a, b).await?)
    }

    async fn items_down(&self, taken: &Taken) -> Checked {
        let mut items = self.0.items_down().await?;
        while let Some(item) = items.recv().await? {
            taken.item(item)?;
        }
        Ok(())
    }

    async fn items_up(&self) -> Checked {
        let (sender, items) = rch::mpsc::channel();
        self.0.items_up(items).await?;
        send_items(sender).await
    }

    async fn chunks_down(&self, taken: &Taken) -> Checked {
        let mut chunks = self.0.chunks_down().await?.into_inner().await?;
        while let Some(chunk) = chunks.recv().await? {
            taken.chunk(chunk.remaining())?;
        }
        Ok(())
    }

    async fn chunks_up(&self) -> Checked {
        let (sender, chunks) = rch::bin::channel();
        self.0.chunks_up(chunks).await?;
        send_chunks(sender).await
    }

    async fn taken(&self) -> Checked<u64> {
        Ok(self.0.taken().await?)
    }

    async fn listen(&self, taken: &Taken) -> Checked {
        let mut published = self.0.listen().await?;
        loop {
            taken.item(published.recv().await?)?;
        }
    }

    async fn publish(&self, value: u64) -> Checked<u64> {
        Ok(self.0.publish(value).await?)
    }
}

fn main() -> Checked {
    cases::main::<Remoc>()
}
