use rpc_core::service;

#[service(namespace = "")]
trait Chat {
    async fn join(&self);
}

fn main() {}
