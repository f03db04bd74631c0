use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, #[param(name = "where")] room: String);
}

fn main() {}
