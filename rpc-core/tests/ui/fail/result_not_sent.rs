use rpc_core::{ErrorObject, service};

struct Room;

#[service]
trait Chat {
    async fn join(&self) -> Result<Room, ErrorObject>;
}

fn main() {}
