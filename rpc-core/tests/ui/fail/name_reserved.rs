use rpc_core::service;

#[service]
trait Chat {
    #[method(name = "rpc.join")]
    async fn join(&self);
}

fn main() {}
