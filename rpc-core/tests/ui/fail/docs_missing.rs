#![deny(missing_docs, deprecated)]
//! What is made is documented, also where the trait is not.

use rpc_core::service;

#[service(dyn)]
pub trait Chat {
    async fn join(&self, room: &str) -> u32;
    #[notification]
    async fn say(&self, text: &str);
    async fn listen(&self) -> rpc_core::Streaming<u8>;
    /// Once was useful.
    #[deprecated = "use `join`"]
    async fn enter(&self);
}

fn main() {}
