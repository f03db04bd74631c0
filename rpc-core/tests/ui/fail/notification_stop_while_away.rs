use rpc_core::service;

#[service]
trait Chat {
    #[notification(stop_while_away)]
    async fn say(&self, text: &str);
}

fn main() {}
