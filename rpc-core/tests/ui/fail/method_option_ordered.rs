use rpc_core::service;

#[service]
trait Chat {
    #[method(ordered)]
    async fn join(&self);
}

fn main() {}
