use rpc_core::RpcError;

#[derive(Debug)]
struct Room;

#[derive(Debug, thiserror::Error, RpcError)]
enum Error {
    #[error("full")]
    #[rpc(code = 1)]
    Full(Room),
    #[error("gone")]
    #[rpc(code = 2)]
    Gone { seat: u32, room: Room },
}

fn main() {}
