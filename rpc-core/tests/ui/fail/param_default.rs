use rpc_core::service;

use std::num::NonZero;

#[service]
trait Chat {
    async fn join(&self, #[param(default)] seat: NonZero<u8>);
}

fn main() {}
