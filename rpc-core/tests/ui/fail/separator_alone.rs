use rpc_core::service;

#[service(separator = "_")]
trait Chat {
    async fn join(&self);
}

fn main() {}
