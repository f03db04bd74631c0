use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, mut room: String);
}

fn main() {}
