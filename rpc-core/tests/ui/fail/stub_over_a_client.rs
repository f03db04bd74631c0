use rpc_core::{Context, Peer, service};

#[service]
trait Chat {
    async fn join(&self, room: &str);
}

/// As that of rpc-client, which has a `peer()`.
struct Client;

fn over_a_client(client: Client) {
    let _ = ChatClient::new(client);
}

fn over_what_is_borrowed(peer: &Peer, cx: &Context) {
    let _ = ChatClient::new(peer);
    let _ = ChatClient::new(cx);
}

fn main() {}
