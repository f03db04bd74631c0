//! A service may come out of a user's own macro, which hands over types and literals.

use rpc_core::{Peer, Service, service};

macro_rules! counter {
    ($name:ident, $number:ty, $error:ty, $namespace:literal, $code:literal) => {
        #[service(namespace = $namespace)]
        trait $name {
            async fn add(&self, cx: &rpc_core::Context, by: $number, label: &$number) -> $number;
            async fn checked_add(&self, by: $number) -> Result<$number, $error>;
            fn twice(&self, value: $number) -> $number {
                value + value
            }
        }

        #[derive(Debug, thiserror::Error, rpc_core::RpcError)]
        enum Overflow {
            #[error("{0}")]
            #[rpc(code = $code)]
            At($number),
        }
    };
}

counter!(Counter, u32, Overflow, "counter", 7);

struct Zero;

impl Counter for Zero {
    async fn add(&self, _: &rpc_core::Context, by: u32, _: &u32) -> u32 {
        by
    }
    async fn checked_add(&self, by: u32) -> Result<u32, Overflow> {
        Err(Overflow::At(by))
    }
}

fn calls(peer: Peer) {
    let _ = CounterClient::new(peer).checked_add(1);
}

fn main() {
    let _ = calls;
    assert_eq!(CounterServer::new(Zero).methods()[0].name, "counter.add");
}
