use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[method(name = "tick")]
    async fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
