use rpc_core::service;

#[service]
trait Chat {
    #[method = "enter"]
    async fn join(&self);
}

fn main() {}
