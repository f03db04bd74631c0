use rpc_core::service;

#[service]
trait Chat {
    const ROOMS: usize;
}

fn main() {}
