use rpc_core::service;

#[service]
trait Chat {
    extern "C" fn join(&self);
}

fn main() {}
