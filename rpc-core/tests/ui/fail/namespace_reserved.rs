use rpc_core::service;

#[service(namespace = "rpc")]
trait Chat {
    async fn join(&self);
}

fn main() {}
