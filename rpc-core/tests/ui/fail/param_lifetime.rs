use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, room: &'static str);
}

fn main() {}
