use rpc_core::service;

#[service]
trait Chat {
    #[method(by_name = "no")]
    async fn join(&self, room: &str);
}

fn main() {}
