use rpc_core::service;

struct Streaming<T>(T);

#[service]
trait Chat {
    async fn upload(&self, chunks: Streaming<u8>);
}

fn main() {}
