use rpc_core::service;

#[service(namespace = 1)]
trait Chat {
    async fn join(&self);
}

fn main() {}
