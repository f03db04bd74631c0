use rpc_core::{Batch, Streaming, service};

#[service]
trait Ticker {
    async fn ticks(&self) -> Streaming<u64>;
}

fn subscribe(batch: &Batch) {
    let _ = TickerClient::new(batch).ticks();
}

fn main() {}
