use rpc_core::RpcError;

#[derive(RpcError)]
union Error {
    code: u32,
}

fn main() {}
