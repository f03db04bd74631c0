use rpc_core::service;

use std::rc::Rc;

#[service]
trait Chat {
    async fn join(&self);
}

struct Rooms;

impl Chat for Rooms {
    async fn join(&self) {
        let room = Rc::new("lobby");
        std::future::ready(()).await;
        drop(room);
    }
}

fn main() {}
