use rpc_core::service;

#[service]
trait Ticker {
    #[subscription]
    async fn ticks(&self);
}

fn main() {}
