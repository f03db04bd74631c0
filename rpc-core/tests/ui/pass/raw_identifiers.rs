//! `r#type` is `type` on the wire, and `try_type` in the stub.

use rpc_core::{Peer, Service, service};

#[service]
trait r#Match {
    async fn r#type(&self, r#fn: u32) -> u32;
    #[notification]
    async fn r#loop(&self, r#in: &str);
}

struct Nothing;

impl Match for Nothing {
    async fn r#type(&self, r#fn: u32) -> u32 {
        r#fn
    }
    async fn r#loop(&self, _: &str) {}
}

fn calls(peer: Peer) {
    let stub = MatchClient::new(peer);
    let _ = (stub.r#type(1), stub.r#loop("x"), stub.try_loop("x"));
}

#[test]
fn raw_identifiers_are_plain_on_the_wire() {
    let server = MatchServer::new(Nothing);
    let [first, second] = server.methods() else { panic!("two methods") };
    assert_eq!((&*first.name, first.params[0].name), ("type", "fn"));
    assert_eq!((&*second.name, second.params[0].name), ("loop", "in"));
}
