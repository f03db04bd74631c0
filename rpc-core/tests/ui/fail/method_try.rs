use rpc_core::service;

#[service]
trait Chat {
    #[notification]
    async fn say(&self);
    async fn try_say(&self);
}

fn main() {}
