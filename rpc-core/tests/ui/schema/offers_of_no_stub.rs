use rpc_core::{Peer, service};

#[service(schema)]
trait Chat {
    async fn join(&self);
}

struct Rooms;

fn check(peer: &Peer) {
    drop(peer.offers::<ChatClient>());
    drop(peer.offers::<ChatServer<Rooms>>());
}

fn main() {
    let _ = check;
}
