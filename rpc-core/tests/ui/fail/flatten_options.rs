use rpc_core::service;
use serde_json::Value;

/// What holds for the whole service is no mistake there.
#[service(by_name, allow_unknown, empty_params)]
trait Agent {
    #[method(by_name, allow_unknown = false, empty_params)]
    async fn initialize(&self, #[param(flatten)] params: Value);
    async fn fine(&self, #[param(flatten)] params: Value);
}

fn main() {}
