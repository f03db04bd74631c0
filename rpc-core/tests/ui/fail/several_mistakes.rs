use rpc_core::{Peer, service};

/// Each mistake is told, and nothing else: the trait, its implementation and both halves live on.
#[service(namespace = "chat", nmespace = "chat")]
trait Chat {
    async fn join(&mut self, (room, seat): (String, u32)) -> Option<&str>;
    #[notification]
    async fn say(&self, text: &str) -> u32;
    const fn rooms() -> u32;
    async fn leave(&self, room: &str) -> bool;
}

struct Rooms;

impl Chat for Rooms {
    async fn join(&mut self, _: (String, u32)) -> Option<&str> {
        None
    }
    async fn say(&self, _: &str) -> u32 {
        0
    }
    fn rooms() -> u32 {
        0
    }
    async fn leave(&self, _: &str) -> bool {
        true
    }
}

fn serve(peer: Peer) {
    let _ = ChatServer::new(Rooms);
    let _ = ChatClient::new(peer).leave("lobby");
}

fn main() {}
