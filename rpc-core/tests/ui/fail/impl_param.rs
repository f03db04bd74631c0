use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, room: impl Into<String> + Send);
}

fn main() {}
