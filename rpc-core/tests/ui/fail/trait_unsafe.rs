use rpc_core::service;

#[service]
unsafe trait Chat {
    async fn join(&self);
}

fn main() {}
