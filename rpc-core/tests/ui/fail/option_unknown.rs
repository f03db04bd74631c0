use rpc_core::service;

#[service(name = "chat")]
trait Chat {
    async fn join(&self);
}

fn main() {}
