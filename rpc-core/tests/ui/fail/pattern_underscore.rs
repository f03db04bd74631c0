use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, _: String);
}

fn main() {}
