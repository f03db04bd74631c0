use rpc_core::RpcError;

#[derive(Debug, thiserror::Error, RpcError)]
#[error("full")]
#[rpc(code = 1)]
struct Error<T>(T);

fn main() {}
