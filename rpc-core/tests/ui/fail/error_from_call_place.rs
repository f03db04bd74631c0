use rpc_core::RpcError;

#[derive(Debug, thiserror::Error, RpcError)]
#[rpc(from_call)]
enum Error {
    #[error("full")]
    #[rpc(code = 1)]
    Full,
}

#[derive(Debug, thiserror::Error, RpcError)]
#[error("a call has failed")]
#[rpc(code = 1, from_call)]
struct Failed;

fn main() {}
