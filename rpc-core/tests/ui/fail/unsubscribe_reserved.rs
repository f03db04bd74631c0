use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[subscription(unsubscribe = "rpc.stop")]
    async fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
