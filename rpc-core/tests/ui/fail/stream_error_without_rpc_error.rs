use rpc_core::{Streaming, service};

#[derive(Debug)]
struct Lost;

#[service]
trait Feed {
    async fn listen(&self) -> Streaming<u32, Lost>;
    async fn upload(&self, values: Streaming<u32, Lost>);
}

fn main() {}
