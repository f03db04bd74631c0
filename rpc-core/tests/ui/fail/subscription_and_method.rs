use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[method(name = "tick")]
    #[subscription]
    async fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
