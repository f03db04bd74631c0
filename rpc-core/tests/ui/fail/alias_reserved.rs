use rpc_core::service;

#[service]
trait Chat {
    #[method(aliases("$/hello"))]
    async fn join(&self);
}

fn main() {}
