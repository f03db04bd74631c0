use rpc_core::service;

#[service(dyn)]
trait Chat: Clone {
    async fn join(&self);
}

fn main() {}
