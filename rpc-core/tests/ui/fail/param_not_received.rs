use rpc_core::service;

use serde::Serialize;

#[derive(Serialize)]
struct Room;

#[service]
trait Chat {
    async fn join(&self, seat: u32, room: Room);
}

fn main() {}
