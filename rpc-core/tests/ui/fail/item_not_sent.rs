use rpc_core::{Streaming, service};

struct Tick;

#[service]
trait Ticker {
    async fn ticks(&self) -> Result<Streaming<Tick>, rpc_core::ErrorObject>;
}

fn main() {}
