use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    async fn ticks(&self) -> Option<Streaming<u64>>;
}

fn main() {}
