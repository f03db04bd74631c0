use rpc_core::service;

#[service]
trait Chat<T: Send> {
    async fn join(&self, room: T) -> u32;
}

struct Rooms;

impl Chat<String> for Rooms {
    async fn join(&self, _: String) -> u32 {
        0
    }
}

fn main() {
    let _ = ChatServer::new(Rooms);
}
