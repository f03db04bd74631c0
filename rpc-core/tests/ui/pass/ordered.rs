//! Methods that wait for what came before them, wherever they run.

use rpc_core::{Service, Streaming, service};

#[service]
trait Store {
    #[method(ordered)]
    async fn set(&self, value: u32);
    #[method(ordered, spawn, idempotent)]
    async fn spawned(&self);
    #[method(blocking, ordered, name = "flush", aliases("sync"))]
    fn blocking(&self) -> Result<(), rpc_core::ErrorObject>;
    #[subscription(ordered)]
    async fn changes(&self) -> Streaming<u32>;
    async fn get(&self) -> u32;
}

struct Empty;

impl Store for Empty {
    async fn set(&self, _: u32) {}
    async fn spawned(&self) {}
    fn blocking(&self) -> Result<(), rpc_core::ErrorObject> {
        Ok(())
    }
    async fn changes(&self) -> Streaming<u32> {
        Streaming::channel(1).1
    }
    async fn get(&self) -> u32 {
        0
    }
}

fn main() {
    let server = StoreServer::new(Empty);
    let ordered: Vec<_> = server.methods().iter().map(|method| method.flags.ordered).collect();
    assert_eq!(ordered, [true, true, true, true, false, true], "the alias as well");
}
