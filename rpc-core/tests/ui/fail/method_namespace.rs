use rpc_core::service;

#[service]
trait Chat {
    async fn namespace(&self) -> String;
}

fn main() {}
