use rpc_core::service;

#[service]
#[allow(non_snake_case)]
trait Chat {
    async fn INFO(&self);
    async fn METHODS(&self);
}

fn main() {}
