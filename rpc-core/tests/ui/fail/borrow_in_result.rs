use rpc_core::service;

use std::borrow::Cow;

#[service]
trait Chat {
    async fn rooms(&self) -> Cow<'_, str>;
}

fn main() {}
