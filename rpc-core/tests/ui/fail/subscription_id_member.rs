use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[subscription(id_member = "result")]
    async fn ticks(&self) -> Streaming<u64>;
    #[subscription(id_member = "the \"id\"")]
    async fn tocks(&self) -> Streaming<u64>;
    #[subscription(id_member = "")]
    async fn clicks(&self) -> Streaming<u64>;
}

fn main() {}
