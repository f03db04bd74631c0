//! Which errors a stream ends with, as its type says.

use std::fmt;

use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;

/// The error type of a [`Streaming`](crate::Streaming) that does not say which errors the stream ends with. There are no
/// values of it: the taker gets each error as [`StreamError::Remote`](crate::StreamError::Remote).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {}

impl fmt::Display for Untyped {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Untyped {}

/// What may stand for the errors in the type of a stream: an [`RpcError`], or [`Untyped`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a stream",
    label = "not an `RpcError`",
    note = "derive it (`#[derive(Debug, thiserror::Error, RpcError)]`), or leave it out: `Streaming<T>`"
)]
pub trait StreamErrorType: Sized + Send + 'static {
    /// The value that `error` was made from, or the error itself.
    #[doc(hidden)]
    fn read(error: ErrorObject) -> Result<Self, ErrorObject>;
}

impl<E: RpcError> StreamErrorType for E {
    fn read(error: ErrorObject) -> Result<Self, ErrorObject> {
        // Reserved codes are the protocol's, as in the answer to a call.
        let typed = (!ErrorCode::is_reserved(error.code)).then(|| E::from_error_object(&error));
        typed.flatten().ok_or(error)
    }
}

impl StreamErrorType for Untyped {
    fn read(error: ErrorObject) -> Result<Self, ErrorObject> {
        Err(error)
    }
}

/// Whether a stream with errors of this type may end with an `F`: with the type itself, and if it is
/// [`Untyped`] with any [`RpcError`].
#[diagnostic::on_unimplemented(
    message = "a `Streaming<_, {Self}>` cannot end with `{F}`",
    label = "its errors are `{Self}`",
    note = "make a `{Self}` of the error, or leave the type of the errors out: `Streaming<T>`"
)]
pub trait EndsWith<F>: StreamErrorType {}

impl<E: RpcError> EndsWith<E> for E {}

impl<F: RpcError> EndsWith<F> for Untyped {}
