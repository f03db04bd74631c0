use rpc_core::{RpcError, Streaming, service};

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Opaque;

#[derive(Debug, RpcError)]
enum ChatError {
    #[rpc(code = 1)]
    Named { a: u8, b: Opaque },
}

#[derive(Debug, RpcError)]
enum ListError {
    #[rpc(code = 1)]
    Listed(u8, Opaque),
}

#[derive(Debug, RpcError)]
#[rpc(code = 1)]
struct Known {
    a: u8,
}

#[service(schema)]
trait Chat {
    async fn join(&self) -> Result<u8, ChatError>;
    async fn listen(&self) -> Streaming<u8, ListError>;
    async fn known(&self) -> Result<u8, Known>;
}

impl std::fmt::Display for ChatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("chat")
    }
}
impl std::error::Error for ChatError {}
impl std::fmt::Display for ListError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("list")
    }
}
impl std::error::Error for ListError {}
impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("known")
    }
}
impl std::error::Error for Known {}

fn main() {}
