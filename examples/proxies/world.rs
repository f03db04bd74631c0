//! The server behind the proxy, with sessions, and what it has seen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use rpc_core::{Streaming, service};
use rpc_server::{Server, Sessions};
use tokio::time::sleep;

#[service]
pub(crate) trait Offered {
    /// Answers after so many milliseconds.
    async fn wait(&self, ms: u64) -> u64;
    /// Keeps the number.
    #[notification]
    fn note(&self, n: u64);
    /// 0, 1, … for ever, one each ten milliseconds.
    #[subscription]
    fn ticks(&self) -> Streaming<u64>;
}

/// The records of the server.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) waits: AtomicU64,
    pub(crate) notes: Mutex<Vec<u64>>,
    /// How often a session has begun.
    pub(crate) opened: AtomicU64,
}

impl Offered for Arc<Seen> {
    async fn wait(&self, ms: u64) -> u64 {
        self.waits.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(ms)).await;
        ms
    }

    fn note(&self, n: u64) {
        self.notes.lock().unwrap().push(n);
    }

    fn ticks(&self) -> Streaming<u64> {
        Streaming::new(stream::unfold(0, |tick| async move {
            sleep(Duration::from_millis(10)).await;
            Some((tick, tick + 1))
        }))
    }
}

/// A server, and what it has seen.
pub(crate) struct World {
    pub(crate) seen: Arc<Seen>,
    pub(crate) server: Server,
}

impl World {
    pub(crate) async fn start() -> Self {
        let seen = Arc::<Seen>::default();
        let server = serve(&seen, 0).await;
        Self { seen, server }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.local_addr().expect("it listens on a port").port()
    }

    /// Starts another server on the port of the one before, which has ended.
    pub(crate) async fn start_again(&mut self) {
        self.server = serve(&self.seen, self.port()).await;
    }
}

async fn serve(seen: &Arc<Seen>, port: u16) -> Server {
    let opened = seen.clone();
    let builder = Server::builder()
        .service(OfferedServer::new(seen.clone()))
        .sessions(Sessions::new())
        .sse(true)
        .reconnect_after(Duration::ZERO, Duration::from_millis(100))
        .on_open(move |_| {
            opened.opened.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        })
        .bind(("127.0.0.1", port));
    builder.await.expect("the port is free").spawn()
}
