use rpc_core::service;

#[service("chat")]
trait Chat {
    async fn join(&self);
}

fn main() {}
