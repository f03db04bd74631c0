use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[subscription(item = "")]
    async fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
