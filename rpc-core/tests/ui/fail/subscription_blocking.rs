use rpc_core::{Streaming, service};

#[service]
trait Ticker {
    #[subscription(blocking)]
    fn ticks(&self) -> Streaming<u64>;
}

fn main() {}
