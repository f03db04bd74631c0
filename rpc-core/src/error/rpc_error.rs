//! Typed errors, which keep their type across the wire.

use std::convert::Infallible;

use crate::error::object::ErrorObject;

/// An error type that keeps its variants across the wire; made by `#[derive(RpcError)]`.
///
/// Its `Display` is the message, the rest travels as code and data.
///
/// ```
/// use rpc_core::RpcError;
///
/// #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
/// enum ChatError {
///     #[error("room is full")]
///     #[rpc(code = 1001)]
///     Full { max: u32 },
/// }
/// let sent = ChatError::Full { max: 30 }.to_error_object();
/// assert_eq!(serde_json::to_string(&sent).unwrap(), r#"{"code":1001,"message":"room is full","data":{"max":30}}"#);
/// assert_eq!(ChatError::from_error_object(&sent), Some(ChatError::Full { max: 30 }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a service method",
    label = "not an `RpcError`",
    note = "derive it (`#[derive(Debug, thiserror::Error, RpcError)]`), or use `rpc_core::Result<T>`, whose error is an `ErrorObject`"
)]
pub trait RpcError: Sized + Send + 'static {
    /// The codes this type uses, for tables of methods and schemas.
    const CODES: &'static [ErrorInfo];

    /// What goes over the wire.
    fn to_error_object(&self) -> ErrorObject;

    /// The value that `error` was made from; `None` if it is no error of this type.
    fn from_error_object(error: &ErrorObject) -> Option<Self>;
}

/// One error that a method can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorInfo {
    /// Its code.
    pub code: i64,
    /// The name of its variant.
    pub name: &'static str,
}

impl RpcError for Infallible {
    const CODES: &'static [ErrorInfo] = &[];

    fn to_error_object(&self) -> ErrorObject {
        match *self {}
    }

    fn from_error_object(_: &ErrorObject) -> Option<Self> {
        None
    }
}

/// For those who want codes by hand.
impl RpcError for ErrorObject {
    const CODES: &'static [ErrorInfo] = &[];

    fn to_error_object(&self) -> ErrorObject {
        self.clone()
    }

    fn from_error_object(error: &ErrorObject) -> Option<Self> {
        Some(error.clone())
    }
}

/// A result whose error is an [`ErrorObject`] unless said otherwise.
pub type Result<T, E = ErrorObject> = std::result::Result<T, E>;
