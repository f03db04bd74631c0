//! The cases that every peer of the benchmark plays, over its own protocol.
//!
//! A peer is one program: `PROGRAM server` says where it listens and serves; `PROGRAM client CASE ADDRESS PID FIRST
//! SECOND` does one case, checks all that it gets, and prints one line of JSON: what it moved, how long that took, and
//! what both ends used for it. What a library cannot do, its client says with [`Cannot`].

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "programs that talk to another")]

mod calls;
mod crowd;
mod measured;
mod streams;
pub mod usage;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;

use tokio::runtime;
use tokio::task::LocalSet;

pub use measured::Measured;
pub use streams::Taken;

/// A result whose error is any error.
pub type Checked<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Bytes of a chunk.
pub const CHUNK: usize = 64 * 1024;

/// Both ends of a library. The value is a client with a connection of its own.
#[expect(
    async_fn_in_trait,
    reason = "the client runs on one thread, the server is awaited in place"
)]
pub trait Peer: Sized + 'static {
    /// Listens on a free port of the loopback address, tells it with [`listening`], and serves.
    async fn serve() -> Checked<Infallible>;

    /// Connects to `HOST:PORT`.
    async fn connect(address: &str) -> Checked<Self>;

    /// One call.
    async fn add(&self, a: i64, b: i64) -> Checked<i64>;

    /// Closes the connection, as its library wants that to be done.
    async fn close(self) -> Checked {
        Ok(())
    }

    /// Takes in the numbers from 0 on that the server sends without end.
    async fn items_down(&self, _taken: &Taken) -> Checked {
        Err(Cannot.into())
    }

    /// Sends the numbers from 0 on, without end.
    async fn items_up(&self) -> Checked {
        Err(Cannot.into())
    }

    /// Takes in chunks of [`CHUNK`] bytes that the server sends without end.
    async fn chunks_down(&self, _taken: &Taken) -> Checked {
        Err(Cannot.into())
    }

    /// Sends chunks of [`CHUNK`] bytes, without end.
    async fn chunks_up(&self) -> Checked {
        Err(Cannot.into())
    }

    /// How many items, or bytes of chunks, the server has taken in.
    async fn taken(&self) -> Checked<u64> {
        Err(Cannot.into())
    }

    /// Takes in what is published, without end.
    async fn listen(&self, _taken: &Taken) -> Checked {
        Err(Cannot.into())
    }

    /// Has the server send a number to all who listen. Returns how many they are.
    async fn publish(&self, _value: u64) -> Checked<u64> {
        Err(Cannot.into())
    }
}

/// The library has no such thing.
#[derive(Debug)]
pub struct Cannot;

impl fmt::Display for Cannot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the library has no such thing")
    }
}

impl std::error::Error for Cannot {}

/// Tells whoever started the server where it listens.
pub fn listening(address: SocketAddr) {
    println!("listening on {address}");
}

/// Runs the server or a case, as the command line says.
///
/// # Errors
/// Something failed, or was answered wrongly.
pub fn main<P: Peer>() -> Checked {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        // As the programs of the benchmark do it: a server has a thread for each core that it may use, a client one.
        ["server"] => match runtime::Runtime::new()?.block_on(P::serve())? {},
        ["client", case, address, pid, first, second] => {
            let ends = Ends { address, pid, numbers: [first.parse()?, second.parse()?] };
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            let found = runtime.block_on(LocalSet::new().run_until(run::<P>(case, &ends)));
            println!("{}", told(found)?);
            Ok(())
        }
        _ => Err("usage: server | client CASE ADDRESS PID FIRST SECOND".into()),
    }
}

/// The server that is called, and the two numbers of a case.
struct Ends<'a> {
    address: &'a str,
    pid: &'a str,
    numbers: [u64; 2],
}

async fn run<P: Peer>(case: &str, ends: &Ends<'_>) -> Checked<Measured> {
    match case {
        "call" => calls::call::<P>(ends).await,
        "connect" => calls::connect::<P>(ends).await,
        "items-down" => {
            streams::down::<P>(ends, async |peer, taken| peer.items_down(taken).await).await
        }
        "items-up" => streams::up::<P>(ends, async |peer| peer.items_up().await).await,
        "chunks-down" => {
            streams::down::<P>(ends, async |peer, taken| peer.chunks_down(taken).await).await
        }
        "chunks-up" => streams::up::<P>(ends, async |peer| peer.chunks_up().await).await,
        "push" => crowd::push::<P>(ends).await,
        "idle" => crowd::idle::<P>(ends).await,
        _ => Err(format!("no case `{case}`").into()),
    }
}

/// Returns the text that the client prints: `null` for a case that the library cannot play.
fn told(found: Checked<Measured>) -> Checked<String> {
    match found {
        Ok(measured) => Ok(measured.to_json()),
        Err(error) if error.is::<Cannot>() => Ok("null".to_owned()),
        Err(error) => Err(error),
    }
}
