use rpc_core::service;

#[service]
trait Chat {
    #[notification]
    async fn say(&self) -> u32;
}

fn main() {}
