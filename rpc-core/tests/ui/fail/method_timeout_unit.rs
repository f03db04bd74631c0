use rpc_core::service;

#[service]
trait Chat {
    #[method(timeout = "2sec")]
    async fn join(&self);
}

fn main() {}
