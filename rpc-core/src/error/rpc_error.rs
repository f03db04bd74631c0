//! Typed errors, which keep their type across the wire.

use std::convert::Infallible;

use crate::error::object::ErrorObject;

/// An error type that keeps its variants across the wire; made by `#[derive(RpcError)]`.
///
/// The `Display` text is the message of the error object. The variant becomes the code, its fields become the data.
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
    /// The codes of this type, for tables of methods and schemas.
    const CODES: &'static [ErrorInfo];

    /// Converts the value to an error object for the wire.
    fn to_error_object(&self) -> ErrorObject;

    /// Returns the value that `error` was made from, or `None` if `error` does not belong to this type.
    fn from_error_object(error: &ErrorObject) -> Option<Self>;
}

/// An error that a method can answer with.
///
/// ```
/// use rpc_core::RpcError;
///
/// #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
/// enum ChatError {
///     /// The room has no place left.
///     #[error("room is full")]
///     #[rpc(code = 1001)]
///     Full { max: u32 },
/// }
/// let [full] = ChatError::CODES else { panic!() };
/// assert_eq!((full.code, full.name, full.docs), (1001, "Full", "The room has no place left."));
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The code of the error object.
    pub code: i64,
    /// The name of the variant, or of the type if that is a struct.
    pub name: &'static str,
    /// The documentation of the variant, or of the struct, as Markdown. Empty without documentation.
    pub docs: &'static str,
    #[cfg(feature = "schema")]
    pub(crate) data: super::data_schema::DataSchema,
}

impl ErrorInfo {
    /// Creates an error without documentation.
    pub const fn new(code: i64, name: &'static str) -> Self {
        Self {
            code,
            name,
            docs: "",
            #[cfg(feature = "schema")]
            data: super::data_schema::DataSchema::Unknown,
        }
    }

    /// Sets the documentation.
    #[must_use]
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }
}

/// Two descriptions are equal if their codes, their names and their documentation are equal.
impl PartialEq for ErrorInfo {
    fn eq(&self, other: &Self) -> bool {
        (self.code, self.name, self.docs) == (other.code, other.name, other.docs)
    }
}

impl Eq for ErrorInfo {}

impl RpcError for Infallible {
    const CODES: &'static [ErrorInfo] = &[];

    fn to_error_object(&self) -> ErrorObject {
        match *self {}
    }

    fn from_error_object(_: &ErrorObject) -> Option<Self> {
        None
    }
}

/// `ErrorObject` is its own typed error, for methods that choose codes by hand.
impl RpcError for ErrorObject {
    const CODES: &'static [ErrorInfo] = &[];

    fn to_error_object(&self) -> ErrorObject {
        self.clone()
    }

    fn from_error_object(error: &ErrorObject) -> Option<Self> {
        Some(error.clone())
    }
}

/// A result whose error is an [`ErrorObject`] by default.
pub type Result<T, E = ErrorObject> = std::result::Result<T, E>;
