use rpc_core::service;
use serde_json::Value;

#[service]
trait Agent {
    async fn initialize(&self, #[param(flatten, default)] params: Value);
}

fn main() {}
