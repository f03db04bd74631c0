use rpc_core::service;

#[service]
trait Chat {
    unsafe fn join(&self);
}

fn main() {}
