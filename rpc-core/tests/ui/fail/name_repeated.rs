use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self);
    #[method(name = "join")]
    async fn enter(&self);
}

fn main() {}
