//! `crate` says where `rpc_core` is, as a path or in quotes.

mod elsewhere {
    pub use ::rpc_core as rpc;
}

use elsewhere::rpc;

#[rpc::service(crate = crate::pass::crate_path::elsewhere::rpc)]
trait Chat {
    async fn join(&self) -> Result<u32, ChatError>;
}

#[rpc::service(crate = "elsewhere::rpc")]
trait Talk {
    #[notification]
    async fn say(&self);
}

#[derive(Debug, thiserror::Error, rpc::RpcError)]
#[rpc(crate = crate::pass::crate_path::elsewhere::rpc)]
enum ChatError {
    #[error("room is full")]
    #[rpc(code = 1)]
    Full,
}

#[derive(Debug, thiserror::Error, rpc::RpcError)]
#[error("gone")]
#[rpc(crate = "elsewhere::rpc", code = 2)]
struct Gone;
