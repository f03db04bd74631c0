use rpc_core::{Streaming, service};

#[service]
trait Node {
    #[subscription(name = "subscribe", selector = "logs")]
    async fn logs(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "heads")]
    async fn heads(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "logs")]
    async fn more_logs(&self) -> Streaming<u64>;
}

fn main() {}
