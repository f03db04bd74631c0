use rpc_core::service;

#[service(dyn)]
trait Chat {
    async fn join(&self);
}

fn main() {}
