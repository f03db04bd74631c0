use rpc_core::{CallError, RpcError, service};

/// In use: a type that has mistakes is still an error of methods, and of calls.
#[service]
trait Chat {
    async fn join(&self) -> Result<u32, Error>;
}

#[derive(Debug, thiserror::Error, RpcError)]
enum Error {
    #[error("gone")]
    #[rpc(code = 1, from_call)]
    Gone,
    #[error("lost")]
    #[rpc(from_call)]
    Lost,
}

async fn join(chat: ChatClient) -> Result<u32, Error> {
    Ok(chat.join().await?)
}

fn main() {
    let _ = |error: CallError| Error::from(error);
}
