use rpc_core::service;
use serde::Serialize;

#[derive(Serialize)]
struct Params;

#[service]
trait Agent {
    async fn initialize(&self, #[param(flatten)] params: Params);
}

fn main() {}
