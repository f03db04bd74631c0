use rpc_core::{CallError, RpcError};

#[derive(Debug, thiserror::Error, RpcError)]
enum Told {
    #[error("a call has failed")]
    #[rpc(code = 1, from_call)]
    Call(CallError),
}

#[derive(Debug, thiserror::Error, RpcError)]
enum Named {
    #[error("a call has failed")]
    #[rpc(from_call)]
    Call { cause: CallError },
}

fn main() {}
