use rpc_core::service;

#[service]
trait Chat {
    async fn join(&mut self, room: String);
}

fn main() {}
