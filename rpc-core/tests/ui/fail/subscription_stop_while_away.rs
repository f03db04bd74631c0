use rpc_core::{Streaming, service};

#[service]
trait Chat {
    #[subscription(stop_while_away)]
    async fn listen(&self) -> Streaming<String>;
}

fn main() {}
