use rpc_core::service;

#[service]
trait Chat {
    async fn join<T: Send>(&self, room: T);
}

fn main() {}
