use rpc_core::service;

#[service]
trait Chat {
    #[method]
    #[notification]
    async fn say(&self);
}

fn main() {}
