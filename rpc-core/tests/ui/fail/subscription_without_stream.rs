use rpc_core::service;

#[service]
trait Ticker {
    #[subscription]
    async fn ticks(&self) -> Result<Vec<u64>, rpc_core::ErrorObject>;
}

fn main() {}
