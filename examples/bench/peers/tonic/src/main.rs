//! crates.io's `tonic`, for the benchmark: unary calls, server streaming and client streaming.
//!
//! Settings: `TCP_NODELAY` (its default), and windows of 128 MiB, as large as those of remoc grow: with the 16 MiB that
//! its adaptive ones reach at most, a third as much came over the long line. Bytes are `bytes::Bytes`, so that chunks
//! are not copied more than they must be.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cases::{CHUNK, Checked, Peer, Taken, listening};
use prost::bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_stream::wrappers::{BroadcastStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

#[expect(clippy::all, reason = "it is generated")]
mod generated {
    tonic::include_proto!("cases");
}

use generated::cases_client::CasesClient;
use generated::cases_server::{Cases, CasesServer};
use generated::{Chunk, Nothing, Number, Pair};

/// More than the benchmark ever publishes before all have it.
const PUBLISHED: usize = 64;

const WINDOW: u32 = 128 * 1024 * 1024;

type Answer<T> = Result<Response<T>, Status>;
type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct Service {
    taken: AtomicU64,
    published: broadcast::Sender<u64>,
}

#[tonic::async_trait]
impl Cases for Service {
    type ItemsDownStream = Items<Number>;
    type ChunksDownStream = Items<Chunk>;
    type ListenStream = Items<Number>;

    async fn add(&self, pair: Request<Pair>) -> Answer<Number> {
        let Pair { a, b } = pair.into_inner();
        Ok(Response::new(Number { value: a.wrapping_add(b) }))
    }

    async fn items_down(&self, _: Request<Nothing>) -> Answer<Self::ItemsDownStream> {
        Ok(Response::new(Box::pin(items().map(Ok))))
    }

    async fn items_up(&self, items: Request<Streaming<Number>>) -> Answer<Nothing> {
        let mut items = items.into_inner();
        while items.message().await?.is_some() {
            self.taken.fetch_add(1, Relaxed);
        }
        Ok(Response::new(Nothing {}))
    }

    async fn chunks_down(&self, _: Request<Nothing>) -> Answer<Self::ChunksDownStream> {
        Ok(Response::new(Box::pin(chunks().map(Ok))))
    }

    async fn chunks_up(&self, chunks: Request<Streaming<Chunk>>) -> Answer<Nothing> {
        let mut chunks = chunks.into_inner();
        while let Some(chunk) = chunks.message().await? {
            self.taken.fetch_add(chunk.bytes.len() as u64, Relaxed);
        }
        Ok(Response::new(Nothing {}))
    }

    async fn taken(&self, _: Request<Nothing>) -> Answer<Number> {
        Ok(Response::new(number(self.taken.load(Relaxed))))
    }

    async fn listen(&self, _: Request<Nothing>) -> Answer<Self::ListenStream> {
        let published = BroadcastStream::new(self.published.subscribe());
        let items = published
            .map(|value| value.map(number).map_err(|lagged| Status::data_loss(lagged.to_string())));
        Ok(Response::new(Box::pin(items)))
    }

    async fn publish(&self, value: Request<Number>) -> Answer<Number> {
        let listeners = self.published.send(value.into_inner().value as u64).unwrap_or_default();
        Ok(Response::new(number(listeners as u64)))
    }
}

fn number(value: u64) -> Number {
    Number { value: value as i64 }
}

fn items() -> impl Stream<Item = Number> + Send + 'static {
    tokio_stream::iter((0..).map(number))
}

fn chunks() -> impl Stream<Item = Chunk> + Send + 'static {
    let bytes = Bytes::from(vec![7; CHUNK]);
    tokio_stream::iter(std::iter::repeat_with(move || Chunk { bytes: bytes.clone() }))
}

/// A clone of a client shares its connection, and is how it is called by many at once.
struct Tonic(CasesClient<Channel>);

impl Peer for Tonic {
    async fn serve() -> Checked<Infallible> {
        let (published, _) = broadcast::channel(PUBLISHED);
        let service =
            CasesServer::from_arc(Arc::new(Service { taken: AtomicU64::new(0), published }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        listening(listener.local_addr()?);
        let incoming = TcpListenerStream::new(listener).map(|accepted| {
            let socket = accepted?;
            socket.set_nodelay(true)?;
            Ok::<_, std::io::Error>(socket)
        });
        Server::builder()
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .add_service(service)
            .serve_with_incoming(incoming)
            .await?;
        Err("the server has ended".into())
    }

    async fn connect(address: &str) -> Checked<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        Ok(Self(CasesClient::new(endpoint.connect().await?)))
    }

    async fn add(&self, a: i64, b: i64) -> Checked<i64> {
        Ok(self.0.clone().add(Pair { a, b }).await?.into_inner().value)
    }

    async fn items_down(&self, taken: &Taken) -> Checked {
        let mut items = self.0.clone().items_down(Nothing {}).await?.into_inner();
        while let Some(item) = items.message().await? {
            taken.item(item.value as u64)?;
        }
        Ok(())
    }

    async fn items_up(&self) -> Checked {
        self.0.clone().items_up(items()).await?;
        Ok(())
    }

    async fn chunks_down(&self, taken: &Taken) -> Checked {
        let mut chunks = self.0.clone().chunks_down(Nothing {}).await?.into_inner();
        while let Some(chunk) = chunks.message().await? {
            taken.chunk(chunk.bytes.len())?;
        }
        Ok(())
    }

    async fn chunks_up(&self) -> Checked {
        self.0.clone().chunks_up(chunks()).await?;
        Ok(())
    }

    async fn taken(&self) -> Checked<u64> {
        Ok(self.0.clone().taken(Nothing {}).await?.into_inner().value as u64)
    }

    async fn listen(&self, taken: &Taken) -> Checked {
        let mut published = self.0.clone().listen(Nothing {}).await?.into_inner();
        while let Some(value) = published.message().await? {
            taken.item(value.value as u64)?;
        }
        Ok(())
    }

    async fn publish(&self, value: u64) -> Checked<u64> {
        Ok(self.0.clone().publish(number(value)).await?.into_inner().value as u64)
    }
}

fn main() -> Checked {
    cases::main::<Tonic>()
}
