use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, room: Option<&str>, rooms: Vec<&str>);
}

fn main() {}
