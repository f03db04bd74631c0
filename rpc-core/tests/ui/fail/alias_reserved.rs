use rpc_core::service;

#[service]
trait Chat {
    #[method(aliases("$/join"))]
    async fn join(&self);
}

fn main() {}
