use std::sync::Arc;

use rpc_core::service;

#[service(dyn)]
trait Chat {
    async fn join(&self, (room, seat): (String, u32));
    async fn leave(&self) -> bool;
}

struct Rooms;

impl Chat for Rooms {
    async fn join(&self, _: (String, u32)) {}
    async fn leave(&self) -> bool {
        true
    }
}

fn main() {
    let _: Arc<dyn DynChat> = Arc::new(Rooms);
}
