use rpc_core::service;

#[service(namespace = "chat", namespace = "talk")]
trait Chat {
    async fn join(&self);
}

fn main() {}
