use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, room: Box<dyn Send>);
}

fn main() {}
