use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self) -> u32
    where
        u32: Clone;
}

fn main() {}
