use rpc_core::{Streaming, service};

#[service]
trait Chat {
    #[notification(optional)]
    async fn say(&self, text: &str);
    #[subscription(optional)]
    async fn listen(&self) -> Streaming<u8>;
}

fn main() {}
