use rpc_core::service;

use serde::Deserialize;

#[derive(Deserialize)]
struct Room;

#[service(by_name)]
trait Chat {
    #[notification]
    async fn say(&self, room: Room, text: &str);
}

fn main() {}
