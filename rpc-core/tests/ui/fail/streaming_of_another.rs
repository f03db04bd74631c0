use rpc_core::service;

struct Streaming<T>(T);

#[service]
trait Ticker {
    async fn ticks(&self) -> Result<Streaming<u8>, rpc_core::ErrorObject>;
}

fn main() {}
