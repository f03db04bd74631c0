use rpc_core::{Streaming, service};

#[service(namespace = "clock")]
trait Ticker {
    async fn stop(&self);
    #[subscription(unsubscribe = "clock.stop")]
    async fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
