use rpc_core::service;

#[service]
trait Chat {
    #[method(aliases(enter))]
    async fn join(&self);
}

fn main() {}
