use rpc_core::service;
use serde_json::Value;

#[service]
trait Agent {
    async fn initialize(&self, #[param(flatten, rename = "all")] params: Value);
}

fn main() {}
