use rpc_core::{Router, service};

#[service]
trait Chat {
    async fn join(&self, room: &str);
}

struct Lobby;

impl Chat for Lobby {
    async fn join(&self, _: &str) {}
}

fn main() {
    let _ = Router::new().service(Lobby);
}
