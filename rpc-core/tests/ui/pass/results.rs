//! What is called `Result` has an error type, given or known to its alias; all else cannot fail.

use std::convert::Infallible;

use rpc_core::{Call, ErrorObject, Peer, service};

mod local {
    pub type Result<T> = std::result::Result<T, rpc_core::ErrorObject>;
}

#[service]
trait Chat {
    async fn given(&self) -> Result<u32, ErrorObject>;
    async fn by_path(&self) -> std::result::Result<u32, Infallible>;
    async fn of_the_crate(&self) -> rpc_core::Result<u32>;
    async fn of_an_alias(&self) -> local::Result<u32>;
    async fn infallible(&self) -> Option<u32>;
    async fn nothing(&self);
    fn sync(&self) -> Result<u32, ErrorObject>;
}

fn calls(chat: &ChatClient<Peer>) {
    let _: Call<u32, ErrorObject> = chat.given();
    let _: Call<u32, Infallible> = chat.by_path();
    let _: Call<u32, ErrorObject> = chat.of_the_crate();
    let _: Call<u32, ErrorObject> = chat.of_an_alias();
    let _: Call<Option<u32>> = chat.infallible();
    let _: Call<()> = chat.nothing();
    let _: Call<u32, ErrorObject> = chat.sync();
}

fn main() {
    let _ = calls;
}
