use rpc_core::service;
use serde::Deserialize;

#[derive(Deserialize)]
struct Params;

#[service]
trait Agent {
    async fn initialize(&self, #[param(flatten)] params: Params);
}

fn main() {}
