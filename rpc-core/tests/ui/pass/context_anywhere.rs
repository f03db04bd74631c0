//! `&Context` may stand anywhere, by any path, and is not in the stub.

use rpc_core::{Call, Context, Peer, service};

#[service]
trait Chat {
    async fn first(&self, cx: &Context, a: u32, b: u32) -> u32;
    async fn middle(&self, a: u32, cx: &rpc_core::Context, b: u32) -> u32;
    async fn last(&self, a: u32, b: u32, _: &Context) -> u32;
    fn alone(&self, cx: &Context) -> u32;
}

fn calls(peer: Peer) -> [Call<u32>; 4] {
    let chat = ChatClient::new(peer);
    [chat.first(1, 2), chat.middle(1, 2), chat.last(1, 2), chat.alone()]
}
