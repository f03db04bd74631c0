use rpc_core::service;

#[service]
trait Chat {
    const fn join(&self);
}

fn main() {}
