use rpc_core::service;

#[service]
trait Chat {
    fn rooms(&self) -> impl Iterator<Item = String>;
}

fn main() {}
