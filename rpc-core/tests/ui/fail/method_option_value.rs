use rpc_core::service;

#[service]
trait Chat {
    #[method(idempotent = true)]
    async fn join(&self);
}

fn main() {}
