use rpc_core::{RpcError, service};

/// In use: a type that has mistakes is still an error of methods.
#[service]
trait Chat {
    async fn join(&self) -> Result<u32, Error>;
}

#[derive(Debug, thiserror::Error, RpcError)]
enum Error {
    #[error("full")]
    #[rpc(code = 2, message = "full")]
    Full,
}

fn main() {}
