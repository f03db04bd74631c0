use rpc_core::service;

#[service]
trait Chat {
    async fn copy(&self) -> Self;
}

fn main() {}
