use rpc_core::service;

#[service]
trait Chat {
    #[notification(ordered)]
    async fn say(&self, text: &str);
}

fn main() {}
