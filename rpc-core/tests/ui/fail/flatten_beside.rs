use rpc_core::{Context, Progress, Streaming, service};
use serde_json::Value;

#[service]
trait Agent {
    async fn initialize(
        &self,
        cx: &Context,
        #[param(flatten)] params: Value,
        progress: Progress<u8>,
        more: u8,
        #[param(flatten)] rest: Value,
        items: Streaming<u8>,
    );
}

fn main() {}
