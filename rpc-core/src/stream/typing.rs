//! The error types of streams.

use std::fmt;

use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::{ErrorInfo, RpcError};

/// The error type of a [`Streaming`](crate::Streaming) that declares no errors. The type has no values: the receiver
/// gets each error as [`StreamError::Remote`](crate::StreamError::Remote).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {}

impl fmt::Display for Untyped {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Untyped {}

/// An error type of a stream: an [`RpcError`], or [`Untyped`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a stream",
    label = "not an `RpcError`",
    note = "derive it (`#[derive(Debug, thiserror::Error, RpcError)]`), or leave it out: `Streaming<T>`"
)]
pub trait StreamErrorType: Sized + Send + 'static {
    /// The codes of the type.
    #[doc(hidden)]
    const STREAM_CODES: &'static [ErrorInfo] = &[];

    /// Returns the value that `error` was made from, or `error` itself.
    #[doc(hidden)]
    fn read(error: ErrorObject) -> Result<Self, ErrorObject>;
}

impl<E: RpcError> StreamErrorType for E {
    const STREAM_CODES: &'static [ErrorInfo] = E::CODES;

    fn read(error: ErrorObject) -> Result<Self, ErrorObject> {
        // Reserved codes belong to the protocol, as in the answer to a call.
        let typed = (!ErrorCode::is_reserved(error.code)).then(|| E::from_error_object(&error));
        typed.flatten().ok_or(error)
    }
}

impl StreamErrorType for Untyped {
    fn read(error: ErrorObject) -> Result<Self, ErrorObject> {
        Err(error)
    }
}

/// Tells that a stream with this error type may end with an `F`. A typed stream ends with its own error type; an
/// [`Untyped`] stream ends with any [`RpcError`].
#[diagnostic::on_unimplemented(
    message = "a `Streaming<_, {Self}>` cannot end with `{F}`",
    label = "its errors are `{Self}`",
    note = "make a `{Self}` of the error, or leave the type of the errors out: `Streaming<T>`"
)]
pub trait EndsWith<F>: StreamErrorType {}

impl<E: RpcError> EndsWith<E> for E {}

impl<F: RpcError> EndsWith<F> for Untyped {}
