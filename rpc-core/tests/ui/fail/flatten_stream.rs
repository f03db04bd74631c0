use rpc_core::{Streaming, service};

#[service]
trait Agent {
    async fn upload(&self, #[param(flatten)] items: Streaming<u8>);
}

fn main() {}
