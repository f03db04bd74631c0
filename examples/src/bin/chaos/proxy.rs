//! The network between clients and server: a TCP proxy that treats each link badly.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};

use crate::Result;
use crate::books::{Books, Event};
use crate::random::Random;

mod link;
mod plan;
mod pump;

use plan::Plan;

/// The proxy, which goes on until its runtime ends.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    server: Mutex<SocketAddr>,
    /// Whether no link can be made.
    is_out: AtomicBool,
    outages: AtomicU64,
    books: Arc<Books>,
}

impl Proxy {
    /// Begins to carry what comes to the server at `server`.
    pub(crate) async fn begin(
        server: SocketAddr,
        books: &Arc<Books>,
        mut random: Random,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let proxy = Self(Arc::new(Inner {
            address: listener.local_addr()?,
            server: Mutex::new(server),
            is_out: AtomicBool::new(false),
            outages: AtomicU64::new(0),
            books: books.clone(),
        }));
        let carrier = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carrier.clone().carry(client, random.fork()));
            }
        });
        Ok(proxy)
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.0.address)
    }

    /// The server is at another address from now on.
    pub(crate) fn moves_to(&self, server: SocketAddr) {
        *self.server() = server;
    }

    /// Whether the network is out from now on: all links are lost, and none can be made.
    pub(crate) fn set_out(&self, is_out: bool) {
        self.0.is_out.store(is_out, Ordering::Relaxed);
        self.0.outages.fetch_add(u64::from(is_out), Ordering::Relaxed);
    }

    fn server(&self) -> std::sync::MutexGuard<'_, SocketAddr> {
        self.0.server.lock().expect("an address is read")
    }

    async fn carry(self, client: TcpStream, mut random: Random) {
        let books = &self.0.books;
        if self.0.is_out.load(Ordering::Relaxed) || (!books.is_calm() && random.once_in(8)) {
            return books.count(Event::Refused, 1);
        }
        let address = *self.server();
        let Ok(server) = TcpStream::connect(address).await else {
            return books.count(Event::Refused, 1);
        };
        books.count(Event::Link, 1);
        let plan = if books.is_calm() { Plan::calm() } else { Plan::random(&mut random) };
        let outages = self.0.outages.load(Ordering::Relaxed);
        let is_out = || self.0.outages.load(Ordering::Relaxed) != outages;
        link::carry(client, server, plan, books, is_out, random).await;
    }
}
