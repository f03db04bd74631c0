use rpc_core::service;

#[service(namespace "chat")]
trait Chat {
    async fn join(&self);
}

fn main() {}
