use rpc_core::{Streaming, service};

#[service]
trait Files {
    async fn upload(&self, #[param(default)] chunks: Streaming<String>) -> u64;
}

fn main() {}
