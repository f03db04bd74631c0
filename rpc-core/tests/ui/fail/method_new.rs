use rpc_core::service;

#[service]
trait Chat {
    async fn new(&self);
}

fn main() {}
