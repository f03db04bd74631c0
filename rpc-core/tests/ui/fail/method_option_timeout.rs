use rpc_core::service;

#[service]
trait Chat {
    #[method(timeout = "2s")]
    async fn join(&self);
}

fn main() {}
