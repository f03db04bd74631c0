use rpc_core::service;

use serde::Deserialize;

#[derive(Deserialize)]
struct Room;

#[service]
trait Chat {
    async fn join(&self, seat: u32, room: Room);
}

fn main() {}
