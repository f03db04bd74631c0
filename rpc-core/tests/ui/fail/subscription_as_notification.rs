use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[notification]
    async fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
