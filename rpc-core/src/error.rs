//! Errors: the error object of the specification, why calls fail, and why connections close.

pub(crate) mod call;
pub(crate) mod close;
pub(crate) mod code;
pub(crate) mod codec;
pub(crate) mod decode_error;
pub(crate) mod kind;
pub(crate) mod object;
pub(crate) mod rpc_error;
pub(crate) mod violations;
