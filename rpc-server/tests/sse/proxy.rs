//! A proxy before a server, that cuts what it carries.

#![allow(dead_code, reason = "each test uses its part")]

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A proxy. It ends with its runtime.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// WebSockets are refused.
    refuses_upgrades: AtomicBool,
    /// WebSockets are opened, and what the server sends over them is lost.
    swallows: AtomicBool,
    /// Every new connection is dropped.
    is_closed: AtomicBool,
    /// Each connection carries a random number of bytes in this range. An empty range is no limit.
    bytes: Mutex<Range<u64>>,
    /// For so many milliseconds at most nothing goes over a connection before it is cut behind its bytes.
    most_stall: AtomicU64,
    cuts: AtomicU64,
    seed: AtomicU64,
    connections: Mutex<Vec<AbortHandle>>,
    server: Mutex<Option<SocketAddr>>,
}

impl State {
    /// A number below `end`: the same ones in each run.
    fn below(&self, end: u64) -> u64 {
        let seed = self.seed.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 16) % end
    }
}

impl Proxy {
    pub(crate) async fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<State>::default();
        *state.server.lock().unwrap() = server.local_addr();
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !shared.is_closed.load(Ordering::Relaxed) {
                    let carried = tokio::spawn(carry(stream, shared.clone()));
                    let mut connections = shared.connections.lock().unwrap();
                    connections.retain(|connection| !connection.is_finished());
                    connections.push(carried.abort_handle());
                }
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    pub(crate) fn refuse_upgrades(&self, refuses: bool) {
        self.state.refuses_upgrades.store(refuses, Ordering::Relaxed);
    }

    /// Lets WebSockets open, and nothing come over them from now on.
    pub(crate) fn swallow(&self, swallows: bool) {
        self.state.swallows.store(swallows, Ordering::Relaxed);
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.state.connections.lock().unwrap().drain(..).for_each(|connection| connection.abort());
    }

    /// Lets no connection through, or lets them through again.
    pub(crate) fn close(&self, is_closed: bool) {
        self.state.is_closed.store(is_closed, Ordering::Relaxed);
    }

    /// Carries new connections to another server.
    pub(crate) fn turn_to(&self, server: &Server) {
        *self.state.server.lock().unwrap() = server.local_addr();
    }

    /// Sets how long a connection stands still before it is cut behind its bytes, in milliseconds at most.
    pub(crate) fn stall_for(&self, most: u64) {
        self.state.most_stall.store(most, Ordering::Relaxed);
    }

    /// Cuts each new connection after a random number of bytes.
    pub(crate) fn cut_after(&self, bytes: Range<u64>) {
        *self.state.bytes.lock().unwrap() = bytes;
    }

    /// How many connections were cut after their bytes.
    pub(crate) fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::Relaxed)
    }
}

async fn carry(mut client: TcpStream, state: Arc<State>) {
    let to = state.server.lock().unwrap().expect("the server listens");
    let mut server = TcpStream::connect(to).await.unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let Range { start, end } = state.bytes.lock().unwrap().clone();
    let mut left = if start == end { u64::MAX } else { start + state.below(end - start) };
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    let mut is_first = true;
    let (mut is_upgrade, mut has_head) = (false, false);
    loop {
        let (from_client, read) = tokio::select! {
            read = client.read(&mut up) => (true, read),
            read = server.read(&mut down) => (false, read),
        };
        let Some(read) = read.ok().filter(|read| *read > 0) else { return };
        let bytes = if from_client { &up[..read] } else { &down[..read] };
        if std::mem::take(&mut is_first) {
            is_upgrade = bytes.windows(9).any(|window| window.eq_ignore_ascii_case(b"upgrade: "));
        }
        if is_upgrade && state.refuses_upgrades.load(Ordering::Relaxed) {
            let refusal =
                "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = client.write_all(refusal.as_bytes()).await;
            return;
        }
        if is_upgrade && !from_client {
            let is_lost = std::mem::replace(&mut has_head, true);
            if is_lost && state.swallows.load(Ordering::Relaxed) {
                continue;
            }
        }
        let carried = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let to = if from_client { &mut server } else { &mut client };
        if to.write_all(&bytes[..carried]).await.is_err() {
            return;
        }
        left -= carried as u64;
        if left == 0 {
            let stall = state.most_stall.load(Ordering::Relaxed);
            if stall > 0 && state.below(4) == 0 {
                tokio::time::sleep(Duration::from_millis(state.below(stall))).await;
            }
            state.cuts.fetch_add(1, Ordering::Relaxed);
            if state.below(2) == 0 {
                let _ = client.set_zero_linger();
                let _ = server.set_zero_linger();
            }
            return;
        }
    }
}
