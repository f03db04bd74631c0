use rpc_core::{Streaming, service};

struct Chunk;

#[service]
trait Files {
    async fn upload(&self, chunks: Streaming<Chunk>) -> u64;
}

fn main() {}
