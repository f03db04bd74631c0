use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, #[param(rename = "")] room: String);
}

fn main() {}
