use rpc_core::service;

#[service]
trait Chat {
    #[notification(timeout = "2s")]
    async fn say(&self, text: &str);
}

fn main() {}
