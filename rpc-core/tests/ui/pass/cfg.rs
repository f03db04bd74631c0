//! A method that a `cfg` takes away is gone from the trait, the stub and the table.

use rpc_core::{Peer, Service, service};

#[service]
trait Chat {
    #[cfg(any())]
    async fn never(&self, of: NoSuchType) -> NoSuchType;
    #[cfg(not(any()))]
    #[method(aliases("forever"))]
    async fn always(&self) -> u32;
    #[cfg(any())]
    #[notification]
    async fn silence(&self);
    #[cfg(any())]
    async fn twice(&self) -> String;
    #[cfg(not(any()))]
    async fn twice(&self) -> u32;
}

#[service]
#[cfg(any())]
trait Gone {
    async fn gone(&self) -> NoSuchType;
}

struct Rooms;

impl Chat for Rooms {
    async fn always(&self) -> u32 {
        1
    }
    async fn twice(&self) -> u32 {
        2
    }
}

fn calls(peer: Peer) {
    let chat = ChatClient::new(peer);
    let _ = (chat.always(), chat.twice());
}

#[test]
fn what_a_cfg_takes_away_is_gone_everywhere() {
    let server = ChatServer::new(Rooms);
    let names: Vec<_> = server.methods().iter().map(|method| &*method.name).collect();
    assert_eq!(names, ["always", "twice", "forever"]);
}
