use rpc_core::service;

#[service]
trait Chat {
    #[notification(idempotent)]
    async fn say(&self);
}

fn main() {}
