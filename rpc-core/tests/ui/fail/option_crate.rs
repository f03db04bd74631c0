use rpc_core::service;

#[service(crate = 1)]
trait Chat {
    async fn join(&self);
}

fn main() {}
