//! What is deprecated is so at its users, and not in what is made of it.
#![deny(warnings)]

use rpc_core::service;

#[service]
trait Chat {
    #[deprecated = "join"]
    async fn enter(&self, room: &str) -> u32;
    #[cfg_attr(all(), deprecated = "join")]
    async fn go_in(&self, room: &str) -> u32;
    #[cfg_attr(all(), cfg_attr(all(), deprecated))]
    #[notification]
    async fn knock(&self);
}

#[cfg_attr(all(), deprecated = "Chat")]
#[service(dyn)]
trait OldChat {
    async fn enter(&self, room: &str) -> u32;
}

/// The stub says so as well: without this `expect` there is a warning, and with no warning an error.
#[expect(deprecated, reason = "that is what is tested")]
fn uses(chat: &ChatClient) {
    drop(chat.go_in("lobby"));
}
