use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self) -> std::io::Result<u32>;
}

fn main() {}
