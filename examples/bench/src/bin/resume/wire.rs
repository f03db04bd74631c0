//! A wire that can be cut, and that can swallow what the client sends.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bench::Checked;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// As much as a large message needs.
const CHUNK: usize = 64 * 1024;

pub(crate) struct Wire {
    /// Where clients connect.
    pub(crate) url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cut: Notify,
    swallows: AtomicBool,
    swallowed: AtomicU64,
    greeted: Mutex<Option<Instant>>,
}

impl Wire {
    /// Leads to a server.
    pub(crate) async fn to(url: &str) -> Checked<Self> {
        let address = url.strip_prefix("ws://").ok_or("the address begins with ws://")?;
        let address = address.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("ws://{}/", listener.local_addr()?);
        let state = Arc::<State>::default();
        let carries = state.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (state, address) = (carries.clone(), address.clone());
                // What a link comes to is the business of its ends.
                tokio::spawn(async move { state.carry(near, &address).await.err() });
            }
        });
        Ok(Self { url, state })
    }

    /// Cuts all links.
    pub(crate) fn cut(&self) {
        self.state.cut.notify_waiters();
    }

    /// From now on nothing that clients send reaches the server, or all again. What comes back reaches the client.
    pub(crate) fn set_swallows(&self, swallows: bool) {
        self.state.swallows.store(swallows, Ordering::Relaxed);
    }

    /// How many bytes it has swallowed.
    pub(crate) fn swallowed(&self) -> u64 {
        self.state.swallowed.load(Ordering::Relaxed)
    }

    /// When the first message of the server passed on the latest link.
    pub(crate) fn greeted(&self) -> Checked<Instant> {
        Ok(self.state.greeted.lock().unwrap().ok_or("the server has said nothing")?)
    }
}

impl State {
    async fn carry(&self, near: TcpStream, address: &str) -> std::io::Result<()> {
        let far = TcpStream::connect(address).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
        tokio::select! {
            () = self.cut.notified() => Ok(()),
            ended = self.up(from_near, to_far) => ended,
            ended = self.down(from_far, to_near) => ended,
        }
    }

    async fn up(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            if self.swallows.load(Ordering::Relaxed) {
                self.swallowed.fetch_add(read as u64, Ordering::Relaxed);
            } else {
                to.write_all(&chunk[..read]).await?;
            }
        }
    }

    async fn down(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        // The first is the answer to the handshake; behind that a server with sessions waits for the client.
        for chunks in 0_u64.. {
            let read = from.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            if chunks == 1 {
                *self.greeted.lock().unwrap() = Some(Instant::now());
            }
            to.write_all(&chunk[..read]).await?;
        }
        Ok(())
    }
}
