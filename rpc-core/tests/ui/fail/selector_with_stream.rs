use rpc_core::{Streaming, service};

#[service]
trait Node {
    #[subscription(selector = "logs")]
    async fn logs(&self, filters: Streaming<String>) -> Streaming<u64>;
}

fn main() {}
