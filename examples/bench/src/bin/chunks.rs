//! Bytes in chunks of a stream, in params or in results, from the server or from the client, both in this process: for
//! those who count what a chunk takes at both ends. Prints the number of bytes.

#![expect(clippy::print_stdout, reason = "a program that talks to another")]

use bench::Checked;
use futures_util::stream;
use rpc_client::Client;
use rpc_core::{Base64, Limits, Streaming, service};
use rpc_server::Server;

/// Bytes of a chunk, if nothing else is said.
const CHUNK: usize = 64 * 1024;

/// The most bytes of a message.
const MESSAGE: usize = 8 * 1024 * 1024;

#[service]
trait Chunks {
    #[subscription]
    fn down(&self, count: usize, size: usize) -> Streaming<Base64>;

    /// Returns how many bytes came.
    async fn up(&self, chunks: Streaming<Base64>) -> usize;

    /// Returns how many bytes came.
    async fn put(&self, chunk: Base64) -> usize;

    async fn get(&self) -> Base64;
}

/// Gives chunks of this kind.
struct Source(Base64);

impl Chunks for Source {
    fn down(&self, count: usize, size: usize) -> Streaming<Base64> {
        chunks(count, &chunk(size))
    }

    async fn up(&self, chunks: Streaming<Base64>) -> usize {
        bytes(chunks).await
    }

    async fn put(&self, chunk: Base64) -> usize {
        chunk.len()
    }

    async fn get(&self) -> Base64 {
        self.0.clone()
    }
}

fn chunk(size: usize) -> Base64 {
    (0..size).map(|at| (at * 7) as u8).collect()
}

fn chunks(count: usize, chunk: &Base64) -> Streaming<Base64> {
    Streaming::new(stream::iter(std::iter::repeat_n(chunk.clone(), count)))
}

async fn bytes(mut chunks: Streaming<Base64>) -> usize {
    let mut bytes = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        bytes += chunk.len();
    }
    bytes
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Checked {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (way, count, size) = match &words[..] {
        [way, count] => (way, count.parse()?, CHUNK),
        [way, count, size] => (way, count.parse()?, size.parse()?),
        _ => return Err("usage: chunks down|up|put|get COUNT [SIZE]".into()),
    };
    let chunk = chunk(size);
    let limits = |mut limits: Limits| {
        (limits.message_in, limits.message_out) = (MESSAGE, MESSAGE);
        limits
    };
    let server = Server::builder()
        .service(ChunksServer::new(Source(chunk.clone())))
        .limits(limits(Limits::server()));
    let server = server.bind("127.0.0.1:0").await?.spawn();
    let client = Client::builder().limits(limits(Limits::client())).connect(&server.url()).await?;
    let chunk_client = ChunksClient::new(client.peer());
    let mut moved = 0;
    match &way[..] {
        "down" => moved = bytes(chunk_client.down(count, size).await?).await,
        "up" => moved = chunk_client.up(chunks(count, &chunk)).await?,
        "put" => {
            for _ in 0..count {
                moved += chunk_client.put(chunk.clone()).await?;
            }
        }
        "get" => {
            for _ in 0..count {
                moved += chunk_client.get().await?.len();
            }
        }
        _ => return Err("`down`, `up`, `put` or `get`".into()),
    }
    if moved != count * size {
        return Err(format!("{moved} bytes have come").into());
    }
    println!("{moved}");
    Ok(())
}
