use rpc_core::service;

#[service]
trait Chat {
    fn join(&self, room: &dyn ToString);
}

fn main() {}
