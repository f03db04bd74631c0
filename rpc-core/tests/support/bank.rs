//! A bank, whose callers make payments under keys, over connections that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig, PeerRegistry};
use rpc_core::{Call, Context, ErrorObject, Limits, Peer, Router, Streaming, memory, service};

use super::Raw;

#[derive(Clone)]
pub struct Bank {
    paid: Arc<AtomicU32>,
    pub registry: PeerRegistry,
    limits: Limits,
}

#[service]
trait Transfers {
    /// As `slow`, whatever becomes of the connection.
    #[method(detached)]
    async fn transfer(&self, ms: u64) -> u32;
    /// The sum of payments that come one by one.
    async fn collect(&self, sums: Streaming<u32>) -> u32;
}

struct Account(Arc<AtomicU32>);

impl Transfers for Account {
    async fn transfer(&self, ms: u64) -> u32 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    async fn collect(&self, _sums: Streaming<u32>) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

impl Bank {
    pub fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::server();
        change(&mut limits);
        Self { paid: Arc::default(), registry: PeerRegistry::new(), limits }
    }

    pub fn services(&self) -> Router {
        let [pay, slow, panics, big] = [(); 4].map(|()| self.paid.clone());
        Router::new()
            .method("pay", move |_: Context, (sum,): (i64,)| {
                let receipt = pay.fetch_add(1, Ordering::SeqCst);
                async move { if sum < 0 { Err(ErrorObject::new(7, "no")) } else { Ok(receipt) } }
            })
            .method("slow", move |_: Context, (ms,): (u64,)| {
                let slow = slow.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    Ok(slow.fetch_add(1, Ordering::SeqCst))
                }
            })
            .method("panics", move |_: Context, (): ()| {
                panics.fetch_add(1, Ordering::SeqCst);
                async move { if true { panic!("on purpose") } else { Ok(()) } }
            })
            .method("big", move |_: Context, (bytes,): (usize,)| {
                big.fetch_add(1, Ordering::SeqCst);
                async move { Ok("x".repeat(bytes)) }
            })
            .subscription("ticks", "stop", |_: Context, (): ()| async {
                Ok(Streaming::new(futures_util::stream::iter(0..3)))
            })
            .service(TransfersServer::new(Account(self.paid.clone())))
    }

    fn endpoint(&self, caller: Option<&str>) -> Endpoint {
        let mut config = EndpointConfig::new(self.services(), self.limits.clone());
        config.registry = self.registry.clone();
        config.keepalive = false;
        let bank = Endpoint::new(config);
        if let Some(caller) = caller {
            bank.peer().identify(caller).unwrap();
        }
        bank
    }

    /// A client's peer, and the bank's.
    pub fn connect(&self, caller: Option<&str>) -> (Peer, Peer) {
        let (near, far) = memory::transports(1 << 16);
        let bank = self.endpoint(caller);
        let mut config = EndpointConfig::new(Router::new(), Limits::client());
        config.keepalive = false;
        let client = Endpoint::new(config);
        client.set_extended(true);
        bank.set_extended(false);
        let peers = (client.peer(), bank.peer());
        tokio::spawn(bank.connect(far));
        tokio::spawn(client.connect(near));
        peers
    }

    /// A raw client, and the bank's peer.
    pub fn connect_raw(&self, caller: Option<&str>) -> (Raw, Peer) {
        let (near, far) = memory::transports(1 << 16);
        let bank = self.endpoint(caller);
        let peer = bank.peer();
        tokio::spawn(bank.connect(far));
        (Raw::over(near), peer)
    }

    pub fn paid(&self) -> u32 {
        self.paid.load(Ordering::SeqCst)
    }
}

pub async fn pay(peer: &Peer, key: &str) -> u32 {
    peer.call("pay", (100,)).idempotency_key(key).await.unwrap()
}

/// A call that takes so long, and is paid at its end.
pub fn slow(peer: &Peer, ms: u64, key: impl ToString) -> Call<u32> {
    peer.call("slow", (ms,)).idempotency_key(key.to_string())
}

/// As long as it takes until all that is ready has run.
pub async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
