use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, seat: u32, #[param(validate)] room: Option<String>);
    async fn leave(&self, #[param(validate)] room: &str);
}

fn main() {}
