use rpc_core::service;

struct Full;

#[service]
trait Chat {
    async fn join(&self) -> Result<u32, Full>;
}

fn main() {}
