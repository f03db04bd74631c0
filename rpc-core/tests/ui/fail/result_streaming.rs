use rpc_core::service;

struct Streaming<T>(T);

#[service]
trait Chat {
    async fn listen(&self) -> Result<Streaming<u8>, ()>;
}

fn main() {}
