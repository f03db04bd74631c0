//! `#[derive(RpcError)]`: the same three steps, for the errors of methods.

mod expand;
mod model;

pub(crate) use expand::rpc_error;
pub(crate) use model::ErrorType;
