use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, room: String, #[param(rename = "room")] seat: u32);
}

fn main() {}
