use rpc_core::{Streaming, service};

#[service]
trait Node {
    #[subscription(selector = "logs")]
    async fn logs(&self, #[param(flatten)] filter: Vec<String>) -> Streaming<u64>;
}

fn main() {}
