use rpc_core::service;

#[service]
trait Chat {
    async fn join(room: String);
}

fn main() {}
