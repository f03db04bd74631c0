//! `#[derive(RpcError)]` for the errors of methods, in the same three steps as `#[service]`.

mod expand;
mod model;

pub(crate) use expand::rpc_error;
pub(crate) use model::ErrorType;
