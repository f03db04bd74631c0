//! A service may come out of a user's own macro, which hands over types and literals.

use rpc_core::{Call, Peer, Service, Streaming, service};

macro_rules! counter {
    ($name:ident, $number:ty, $stream:ty, $error:ty, $namespace:literal, $code:literal) => {
        #[service(namespace = $namespace)]
        trait $name {
            async fn add(&self, cx: &rpc_core::Context, by: $number, label: &$number) -> $number;
            async fn checked_add(&self, by: $number) -> Result<$number, $error>;
            async fn all(&self, from: $number) -> Result<rpc_core::Streaming<$number>, $error>;
            async fn results(&self) -> $stream;
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

counter!(Counter, u32, Streaming<u32>, Overflow, "counter", 7);

struct Zero;

impl Counter for Zero {
    async fn add(&self, _: &rpc_core::Context, by: u32, _: &u32) -> u32 {
        by
    }
    async fn checked_add(&self, by: u32) -> Result<u32, Overflow> {
        Err(Overflow::At(by))
    }
    async fn all(&self, from: u32) -> Result<Streaming<u32>, Overflow> {
        Err(Overflow::At(from))
    }
    async fn results(&self) -> Streaming<u32> {
        Streaming::channel(1).1
    }
}

type Calls = (Call<u32, Overflow>, Call<Streaming<u32>, Overflow>, Call<Streaming<u32>>);

fn calls(peer: Peer) -> Calls {
    let counter = CounterClient::new(peer);
    (counter.checked_add(1), counter.all(1), counter.results())
}

#[test]
fn a_service_may_come_out_of_a_macro() {
    assert_eq!(CounterServer::new(Zero).methods()[0].name, "counter.add");
}
