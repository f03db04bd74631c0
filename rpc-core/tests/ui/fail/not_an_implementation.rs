use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self);
}

struct Rooms;

fn main() {
    let _ = ChatServer::new(Rooms);
}
