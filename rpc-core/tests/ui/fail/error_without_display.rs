use rpc_core::RpcError;

#[derive(Debug, RpcError)]
#[rpc(code = 1)]
struct Error;

fn main() {}
