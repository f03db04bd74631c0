use rpc_core::service;

#[service]
trait Chat {
    #[method(timeout = "0s")]
    async fn join(&self);
}

fn main() {}
