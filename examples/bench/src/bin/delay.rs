//! A long line: passes bytes on between those who connect and a server, each a while after they came.
//!
//! `delay HOST:PORT MS` says where it listens. The line carries as much as the machine does, and holds at most `HELD`
//! bytes in each direction: then it reads no more until some have left.

#![expect(clippy::print_stdout, reason = "a program that says where it listens")]

use std::sync::Arc;
use std::time::Duration;

use bench::Checked;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The most bytes that wait in one direction: more than any library that is measured has on its way.
const HELD: usize = 256 * 1024 * 1024;

/// The most bytes of one read.
const READ: usize = 256 * 1024;

/// Bytes on their way.
struct Piece {
    bytes: Bytes,
    due: Instant,
    _room: OwnedSemaphorePermit,
}

#[tokio::main]
async fn main() -> Checked {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [server, ms] = &*words else { return Err("usage: delay HOST:PORT MS".into()) };
    let by = Duration::from_millis(ms.parse()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (client, _) = listener.accept().await?;
        let server = server.clone();
        // That one of them has ended ends the line; there is nobody to tell.
        tokio::spawn(async move { connect(client, &server, by).await.is_ok() });
    }
}

async fn connect(client: TcpStream, server: &str, by: Duration) -> Checked {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(carry(from_client, to_server, by), carry(from_server, to_client, by))?;
    Ok(())
}

async fn carry(from: impl AsyncRead + Unpin, to: impl AsyncWrite + Unpin, by: Duration) -> Checked {
    let (sender, pieces) = unbounded_channel();
    tokio::try_join!(take(from, sender, by), give(pieces, to))?;
    Ok(())
}

async fn take(
    mut from: impl AsyncRead + Unpin,
    pieces: UnboundedSender<Piece>,
    by: Duration,
) -> Checked {
    let room = Arc::new(Semaphore::new(HELD));
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ);
        let read = from.read_buf(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        let due = Instant::now() + by;
        let held = room.clone().acquire_many_owned(u32::try_from(read)?).await?;
        pieces.send(Piece { bytes: buffer.split().freeze(), due, _room: held })?;
    }
}

/// Ends the other end's line as well when all has been given.
async fn give(mut pieces: UnboundedReceiver<Piece>, mut to: impl AsyncWrite + Unpin) -> Checked {
    while let Some(piece) = pieces.recv().await {
        sleep_until(piece.due).await;
        to.write_all(&piece.bytes).await?;
    }
    Ok(to.shutdown().await?)
}
