use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    async fn ticks(&self) -> Streaming<u64>;
    async fn unsubscribe_ticks(&self);
}

fn main() {}
