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

type Calls = (
    Call<u32, ErrorObject>,
    Call<u32, Infallible>,
    Call<u32, ErrorObject>,
    Call<u32, ErrorObject>,
    Call<Option<u32>>,
    Call<()>,
    Call<u32, ErrorObject>,
);

fn calls(chat: &ChatClient<Peer>) -> Calls {
    (
        chat.given(),
        chat.by_path(),
        chat.of_the_crate(),
        chat.of_an_alias(),
        chat.infallible(),
        chat.nothing(),
        chat.sync(),
    )
}
