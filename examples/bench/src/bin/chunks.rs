//! A number of chunks of 64 KiB, from the server or from the client, both in this process: for those who count what a
//! chunk takes at both ends. Prints the number of bytes.

#![expect(clippy::print_stdout, reason = "a program that talks to another")]

use bench::Checked;
use futures_util::stream;
use rpc_client::Client;
use rpc_core::{Base64, Streaming, service};
use rpc_server::Server;

/// Bytes of a chunk.
const CHUNK: usize = 64 * 1024;

#[service]
trait Chunks {
    #[subscription]
    fn down(&self, count: usize) -> Streaming<Base64>;

    /// Returns how many bytes came.
    async fn up(&self, chunks: Streaming<Base64>) -> usize;
}

struct Source;

impl Chunks for Source {
    fn down(&self, count: usize) -> Streaming<Base64> {
        chunks(count)
    }

    async fn up(&self, chunks: Streaming<Base64>) -> usize {
        bytes(chunks).await
    }
}

fn chunks(count: usize) -> Streaming<Base64> {
    let chunk: Base64 = (0..CHUNK).map(|at| (at * 7) as u8).collect();
    Streaming::new(stream::iter(std::iter::repeat_n(chunk, count)))
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
    let [way, count] = &words[..] else { return Err("usage: chunks down|up COUNT".into()) };
    let count = count.parse()?;
    let server =
        Server::builder().service(ChunksServer::new(Source)).bind("127.0.0.1:0").await?.spawn();
    let client = Client::builder().connect(&server.url()).await?;
    let chunk_client = ChunksClient::new(client.peer());
    let moved = match &way[..] {
        "down" => bytes(chunk_client.down(count).await?).await,
        "up" => chunk_client.up(chunks(count)).await?,
        _ => return Err("`down` or `up`".into()),
    };
    if moved != count * CHUNK {
        return Err(format!("{moved} bytes have come").into());
    }
    println!("{moved}");
    Ok(())
}
