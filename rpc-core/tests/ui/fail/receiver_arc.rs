use rpc_core::service;

use std::sync::Arc;

#[service]
trait Chat {
    async fn join(self: Arc<Self>, room: String);
}

fn main() {}
