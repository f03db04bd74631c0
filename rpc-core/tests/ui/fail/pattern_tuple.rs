use rpc_core::service;

#[service]
trait Chat {
    async fn join(&self, (room, seat): (String, u32));
}

fn main() {}
