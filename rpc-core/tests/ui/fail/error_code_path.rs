use rpc_core::{RpcError, service};

/// In use: a type that has mistakes is still an error of methods.
#[service]
trait Chat {
    async fn join(&self) -> Result<u32, Error>;
}

const FULL: i64 = 1;

#[derive(Debug, thiserror::Error, RpcError)]
enum Error {
    #[error("full")]
    #[rpc(code = FULL)]
    Full,
}

fn main() {}
