use rpc_core::service;

#[service]
trait Chat {
    #[method(name = "")]
    async fn join(&self);
}

fn main() {}
