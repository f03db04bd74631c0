use rpc_core::{Streaming, service};

#[service(by_name)]
trait Node {
    #[subscription(selector = "logs")]
    async fn logs(&self, filter: String) -> Streaming<u64>;
    #[subscription(selector = "heads", by_name = false)]
    async fn heads(&self) -> Streaming<u64>;
}

fn main() {}
