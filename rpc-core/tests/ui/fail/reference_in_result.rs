use rpc_core::service;

#[service]
trait Chat {
    async fn rooms(&self) -> Vec<&'static str>;
}

fn main() {}
