use rpc_core::{Streaming, service};

#[service]
trait Log {
    #[notification]
    async fn lines(&self, lines: Streaming<String>);
}

fn main() {}
