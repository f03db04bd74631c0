use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[subscription(id = "uuid")]
    async fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
