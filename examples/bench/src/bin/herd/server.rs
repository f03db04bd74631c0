//! The server whose links are cut, in a process of its own: its heap is counted, to the byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bench::Checked;
use rpc_core::service;
use rpc_server::{Rejection, Server, Sessions};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::HEAP;

/// The methods that clients call.
#[service]
pub(crate) trait Observed {
    fn next(&self, n: u64) -> u64;
    fn seen(&self) -> Seen;
}

/// The counters of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) connects: u64,
    pub(crate) opens: u64,
    pub(crate) disconnects: u64,
    pub(crate) up: usize,
    pub(crate) away: usize,
    pub(crate) resumed: u64,
    pub(crate) evicted: u64,
    pub(crate) heap: usize,
}

#[derive(Default)]
struct Hooks {
    connects: AtomicU64,
    opens: AtomicU64,
    disconnects: AtomicU64,
    server: OnceCell<Server>,
}

impl Observed for Arc<Hooks> {
    fn next(&self, n: u64) -> u64 {
        n + 1
    }

    fn seen(&self) -> Seen {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let stats = self.server.get().map(Server::stats).unwrap_or_default().sessions;
        Seen {
            connects: count(&self.connects),
            opens: count(&self.opens),
            disconnects: count(&self.disconnects),
            up: stats.up,
            away: stats.away,
            resumed: stats.resumed,
            evicted: stats.evicted.values().sum(),
            heap: HEAP.current_usage(),
        }
    }
}

pub(crate) async fn run(port: &str) -> Checked<()> {
    let hooks = Arc::<Hooks>::default();
    let [connected, opened, ended] = [(); 3].map(|()| hooks.clone());
    let bound = Server::builder()
        .service(ObservedServer::new(hooks.clone()))
        .sessions(Sessions::new())
        .on_connect(move |_| {
            connected.connects.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<_, Rejection>(()))
        })
        .on_open(move |_| {
            opened.opens.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        })
        .on_disconnect(move |_, _| {
            ended.disconnects.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        })
        .bind(("127.0.0.1", port.parse::<u16>()?))
        .await?;
    let server = bound.spawn();
    println!("listening on {}", server.local_addr().ok_or("no address")?.port());
    hooks.server.set(server)?;
    std::future::pending().await
}
