use futures_util::stream;
use rpc_core::{RpcError, Streaming, service};

#[derive(Debug, thiserror::Error, RpcError)]
#[error("lost")]
#[rpc(code = 1)]
struct Lost;

#[derive(Debug, thiserror::Error, RpcError)]
#[error("gone")]
#[rpc(code = 2)]
struct Gone;

#[service]
trait Feed {
    async fn listen(&self) -> Streaming<u32, Lost>;
}

struct Wire;

impl Feed for Wire {
    async fn listen(&self) -> Streaming<u32, Lost> {
        Streaming::try_new(stream::iter([Ok(1), Err(Gone)]))
    }
}

fn main() {}
