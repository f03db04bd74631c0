//! A TCP connection without any protocol, beside the streams of chunks: what the line can carry.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cases::{CHUNK, Cannot, Checked, Peer, Taken, listening};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The first byte of a connection says which stream it carries.
const DOWN: u8 = b'd';
const UP: u8 = b'u';
const TAKEN: u8 = b't';

/// Where to connect.
struct Tcp(String);

impl Tcp {
    async fn begin(&self, what: u8) -> Checked<TcpStream> {
        let mut stream = TcpStream::connect(&self.0).await?;
        stream.set_nodelay(true)?;
        stream.write_u8(what).await?;
        Ok(stream)
    }
}

async fn send_chunks(stream: &mut TcpStream) -> Checked {
    let chunk = vec![7; CHUNK];
    loop {
        stream.write_all(&chunk).await?;
    }
}

async fn take_bytes(stream: &mut (impl AsyncRead + Unpin), mut take: impl FnMut(usize)) -> Checked {
    let mut buffer = vec![0; CHUNK];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => take(read),
        }
    }
}

async fn serve_one(mut stream: TcpStream, taken: Arc<AtomicU64>) -> Checked {
    stream.set_nodelay(true)?;
    match stream.read_u8().await? {
        DOWN => send_chunks(&mut stream).await,
        UP => {
            let add = |read| {
                taken.fetch_add(read as u64, Relaxed);
            };
            take_bytes(&mut stream, add).await
        }
        _ => Ok(stream.write_u64(taken.load(Relaxed)).await?),
    }
}

impl Peer for Tcp {
    async fn serve() -> Checked<Infallible> {
        let taken = Arc::new(AtomicU64::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        listening(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            let taken = taken.clone();
            // That it has ended is its only error.
            tokio::spawn(async move { serve_one(stream, taken).await.is_ok() });
        }
    }

    async fn connect(address: &str) -> Checked<Self> {
        Ok(Self(address.to_owned()))
    }

    async fn add(&self, _a: i64, _b: i64) -> Checked<i64> {
        Err(Cannot.into())
    }

    async fn chunks_down(&self, taken: &Taken) -> Checked {
        take_bytes(&mut self.begin(DOWN).await?, |read| taken.bytes(read)).await
    }

    async fn chunks_up(&self) -> Checked {
        send_chunks(&mut self.begin(UP).await?).await
    }

    async fn taken(&self) -> Checked<u64> {
        Ok(self.begin(TAKEN).await?.read_u64().await?)
    }
}

fn main() -> Checked {
    cases::main::<Tcp>()
}
