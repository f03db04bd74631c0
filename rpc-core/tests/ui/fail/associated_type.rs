use rpc_core::service;

#[service]
trait Chat {
    type Room;
}

fn main() {}
