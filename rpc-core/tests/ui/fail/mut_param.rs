use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, rooms: &mut Vec<String>);
}

fn main() {}
