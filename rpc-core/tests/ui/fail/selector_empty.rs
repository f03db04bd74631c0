use rpc_core::{Streaming, service};

#[service]
trait Node {
    #[subscription(selector = "")]
    async fn logs(&self, filter: String) -> Streaming<u64>;
}

fn main() {}
