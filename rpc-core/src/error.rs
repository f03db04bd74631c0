//! Errors: the error object of the specification, the failures of calls, and the reasons why connections close.

pub(crate) mod call;
pub(crate) mod close;
pub(crate) mod code;
pub(crate) mod codec;
#[cfg(feature = "schema")]
pub(crate) mod data_schema;
pub(crate) mod decode_error;
pub(crate) mod kind;
#[cfg(feature = "schema")]
pub(crate) mod mismatch;
pub(crate) mod object;
pub(crate) mod rpc_error;
pub(crate) mod violations;
