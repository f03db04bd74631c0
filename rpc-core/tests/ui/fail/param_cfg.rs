use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, #[cfg(unix)] room: String);
}

fn main() {}
