use rpc_core::service;

#[service]
trait Chat {
    #[method(timeout = 2)]
    async fn join(&self);
}

fn main() {}
