use rpc_core::service;

#[service]
trait Chat {
    async fn join<'a>(&self, room: &'a str);
}

fn main() {}
