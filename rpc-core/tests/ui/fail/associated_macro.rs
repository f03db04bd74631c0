use rpc_core::service;

macro_rules! methods {
    () => {};
}

#[service]
trait Chat {
    methods!();
}

fn main() {}
