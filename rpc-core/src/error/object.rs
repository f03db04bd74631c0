//! The error object of the specification (section 5.1), its codes, and typed errors made from it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::close::CloseCode;
use crate::error::violations::{self, Violation};
use crate::util::escaped::Harmless;

/// What a method answers when it fails: a code, a message for people, and optional data.
///
/// ```
/// use rpc_core::ErrorObject;
///
/// let error = ErrorObject::new(1001, "room is full").with_data(&30);
/// assert_eq!(serde_json::to_string(&error)?, r#"{"code":1001,"message":"room is full","data":30}"#);
/// assert_eq!(error.data_as::<u32>(), Some(30));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Its `Display` and `Debug` are harmless in a log, whatever the other end wrote: line breaks and control
/// characters are escaped there. The fields are as they came.
#[derive(Clone, Serialize, Deserialize)]
pub struct ErrorObject {
    /// What kind of error; see [`ErrorCode`] for those with a meaning of their own.
    pub code: i64,
    /// One line for people.
    pub message: String,
    /// Anything else, as its JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub data: Option<Box<RawValue>>,
}

/// Keeps `"data":null` apart from no data at all.
fn present<'de, D: serde::Deserializer<'de>>(de: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(de).map(Some)
}

impl ErrorObject {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with `data`; if that cannot be written as JSON, without.
    #[must_use]
    pub fn with_data<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// The data as a `T`, if there is some and it is one.
    pub fn data_as<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.data.as_ref()?.get()).ok()
    }

    /// -32602: the parameters do not fit the method; say which and why. To say where as data, make it
    /// of an [`Invalid`](crate::Invalid).
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::INVALID_PARAMS, message)
    }

    /// -32602 that says where in the params.
    pub(crate) fn violating(message: impl Into<String>, violations: &[Violation]) -> Self {
        let (kind, violations) = (Kind::InvalidParams.name(), Cow::Borrowed(violations));
        Self::invalid_params(message).with_data(&violations::Data { kind, violations })
    }

    /// What is wrong with the params of the call, and where, if this is a -32602 that says so: to be
    /// shown beside the fields that they were made from.
    ///
    /// ```
    /// use rpc_core::{ErrorObject, Invalid};
    ///
    /// let error = ErrorObject::from(Invalid::new("must not be empty").at("name").at("user"));
    /// let violations = error.violations().unwrap();
    /// assert_eq!(violations[0].path, "user.name");
    /// assert_eq!(violations[0].message, "must not be empty");
    /// ```
    pub fn violations(&self) -> Option<Vec<Violation>> {
        if self.code != ErrorCode::INVALID_PARAMS {
            return None;
        }
        let data: violations::Data<'_> = serde_json::from_str(self.object()?).ok()?;
        (data.kind == Kind::InvalidParams.name()).then(|| data.violations.into_owned())
    }

    /// -32603, which says nothing about our inside.
    pub fn internal() -> Self {
        Self::new(ErrorCode::INTERNAL, "internal error")
    }

    /// There is no method of this name, -32601.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(ErrorCode::METHOD_NOT_FOUND, format!("no method `{}`", Excerpt(method)))
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::INVALID_REQUEST, message)
    }

    /// One of our own codes, marked so that a peer of ours can tell it from another's.
    pub(crate) fn of_kind(code: i64, kind: Kind, message: impl Into<String>) -> Self {
        Self::new(code, message).with_data(&KindData { kind: kind.name() })
    }

    /// -32014: the request was stopped while it ran, because the connection is closed with `code`. It may have run.
    pub(crate) fn interrupted(code: Option<CloseCode>) -> Self {
        let message = "interrupted: the connection is closed while the request runs";
        let kind = Kind::Interrupted.name();
        let data = InterruptedData { kind, close_code: code.map(CloseCode::value) };
        Self::new(ErrorCode::INTERRUPTED, message).with_data(&data)
    }

    /// The code of the close behind this error, if it tells that.
    pub(crate) fn close_code(&self) -> Option<CloseCode> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            close_code: u16,
        }
        let data: Data = serde_json::from_str(self.object()?).ok()?;
        Some(CloseCode::new(data.close_code))
    }

    pub(crate) fn cancelled() -> Self {
        Self::of_kind(ErrorCode::CANCELLED, Kind::Cancelled, "request cancelled")
    }

    /// -32009: not executed because `limit` is reached, and safe to try again.
    pub fn busy(limit: &str) -> Self {
        let message = format!("busy: not executed, `{limit}` is reached");
        Self::of_kind(ErrorCode::BUSY, Kind::Busy, message)
    }

    /// -32009: not executed because this end is about to go.
    pub(crate) fn shutting_down() -> Self {
        let message = "busy: not executed, the server is shutting down";
        Self::of_kind(ErrorCode::BUSY, Kind::Busy, message)
    }

    /// The same error, telling its caller when to try again: `retryAfterMs` in the data, rounded up.
    /// Other data is replaced.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rpc_core::ErrorObject;
    ///
    /// let busy = ErrorObject::busy("searches").with_retry_after(Duration::from_millis(250));
    /// assert_eq!(busy.data.unwrap().get(), r#"{"kind":"busy","retryAfterMs":250}"#);
    /// ```
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        let retry_after_ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        self.with_data(&BusyData { kind: Kind::Busy.name(), retry_after_ms })
    }

    /// -32012: the time for the call is over.
    pub fn deadline() -> Self {
        Self::of_kind(ErrorCode::DEADLINE, Kind::Deadline, "the deadline ran out")
    }

    /// -32013: the caller may not call this method. The message does not say why.
    pub fn not_authorized() -> Self {
        let message = "not authorized for this method";
        Self::of_kind(ErrorCode::NOT_AUTHORIZED, Kind::NotAuthorized, message)
    }

    /// -32015: a call under this key has run, or may have, and nobody knows any more what came of it.
    pub(crate) fn answer_forgotten() -> Self {
        let message =
            "a call under this `idempotencyKey` has run, or may have: its answer is not kept";
        Self::of_kind(ErrorCode::ANSWER_FORGOTTEN, Kind::AnswerForgotten, message)
    }

    pub(crate) fn too_complex(message: impl Into<String>) -> Self {
        Self::of_kind(ErrorCode::TOO_COMPLEX, Kind::TooComplex, message)
    }

    pub(crate) fn too_many_subscriptions(limit: usize) -> Self {
        let message = format!("no more than `subscriptions`, which is {limit}, on a connection");
        Self::of_kind(ErrorCode::TOO_MANY_SUBSCRIPTIONS, Kind::TooManySubscriptions, message)
    }

    pub(crate) fn batch_too_big(limit: usize) -> Self {
        let message = format!("the batch has more members than `batch`, which is {limit}");
        let kind = Kind::BatchTooBig.name();
        Self::new(ErrorCode::BATCH_TOO_BIG, message).with_data(&BatchData { kind, max: limit })
    }

    /// How many members a batch may have, if this error says that a batch had more.
    pub(crate) fn most_in_batch(&self) -> Option<usize> {
        #[derive(Deserialize)]
        struct Data {
            max: usize,
        }
        let data: Data = serde_json::from_str(self.object()?).ok()?;
        Some(data.max).filter(|max| *max > 0)
    }

    #[cfg(feature = "rate-limit")]
    pub(crate) fn batch_beyond_burst(burst: u32) -> Self {
        let message = format!("the batch has more members than `burst`, which is {burst}");
        Self::of_kind(ErrorCode::BATCH_TOO_BIG, Kind::BatchTooBig, message)
    }

    pub(crate) fn batch_answer_too_big(limit: usize) -> Self {
        let message = format!("with this answer the batch exceeds `message_out` of {limit} bytes");
        Self::of_kind(ErrorCode::BATCH_ANSWER_TOO_BIG, Kind::AnswerTooBig, message)
    }

    pub(crate) fn answer_too_big(limit: usize) -> Self {
        let message = format!("the answer exceeds `message_out` of {limit} bytes");
        Self::of_kind(ErrorCode::ANSWER_TOO_BIG, Kind::AnswerTooBig, message)
    }

    /// Our meaning of this error, only if code *and* `data.kind` say so: from others the same code
    /// can mean anything.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let kind = match self.code {
            ErrorCode::CANCELLED => Kind::Cancelled,
            ErrorCode::BUSY => Kind::Busy,
            ErrorCode::DEADLINE => Kind::Deadline,
            ErrorCode::INTERRUPTED => Kind::Interrupted,
            ErrorCode::ANSWER_FORGOTTEN => Kind::AnswerForgotten,
            ErrorCode::BATCH_TOO_BIG => Kind::BatchTooBig,
            _ => return None,
        };
        let data: KindData<'_> = serde_json::from_str(self.object()?).ok()?;
        (data.kind == kind.name()).then_some(kind)
    }

    /// The data if it is an object: what is derived would read an array as well.
    fn object(&self) -> Option<&str> {
        Some(self.data.as_ref()?.get()).filter(|data| data.starts_with('{'))
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", Harmless(&self.message), self.code)
    }
}

/// What is derived would show the data as it came, with line breaks between its parts.
impl fmt::Debug for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.data.as_ref().map(|data| Harmless(data.get()));
        f.debug_struct("ErrorObject")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("data", &data)
            .finish()
    }
}

impl std::error::Error for ErrorObject {}

/// Equal if code, message and the text of the data are.
impl PartialEq for ErrorObject {
    fn eq(&self, other: &Self) -> bool {
        let text = |error: &Self| error.data.as_ref().map(|data| data.get().to_owned());
        self.code == other.code && self.message == other.message && text(self) == text(other)
    }
}

/// What our own codes mean, told apart by `data.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Cancelled,
    Busy,
    Deadline,
    TooComplex,
    AnswerTooBig,
    BatchTooBig,
    TooManySubscriptions,
    InvalidParams,
    NotAuthorized,
    Interrupted,
    AnswerForgotten,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Busy => "busy",
            Self::Deadline => "deadline",
            Self::TooComplex => "too_complex",
            Self::AnswerTooBig => "answer_too_big",
            Self::BatchTooBig => "batch_too_big",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::InvalidParams => "invalid_params",
            Self::NotAuthorized => "not_authorized",
            Self::Interrupted => "interrupted",
            Self::AnswerForgotten => "answer_forgotten",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct KindData<'a> {
    kind: &'a str,
}

#[derive(Serialize)]
struct BatchData {
    kind: &'static str,
    max: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InterruptedData {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_code: Option<u16>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BusyData {
    kind: &'static str,
    retry_after_ms: u64,
}

/// At most this much of what a peer sent is repeated to it or to the log.
const EXCERPT: usize = 64;

/// Text of a peer, shortened for a message.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shortened(self.0, EXCERPT).fmt(f)
    }
}

/// The same, with at most so many bytes of it.
pub(crate) struct Shortened<'a>(pub(crate) &'a str, pub(crate) usize);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, most) = *self;
        if text.len() <= most {
            return text.escape_debug().fmt(f);
        }
        let end = text.floor_char_boundary(most);
        write!(f, "{}…", text[..end].escape_debug())
    }
}

/// The codes with a meaning of their own: those of the specification (section 5.1) and ours, which
/// carry `data.kind`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ErrorCode;

impl ErrorCode {
    /// Not JSON.
    pub const PARSE: i64 = -32700;
    /// JSON, but not a request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// No such method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters do not fit the method; where it is known which and why, `data.kind` is
    /// `invalid_params`, and [`violations`](ErrorObject::violations) reads the rest.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The other end failed inside.
    pub const INTERNAL: i64 = -32603;
    /// Cancelled by the caller; `data.kind` is `cancelled`.
    pub const CANCELLED: i64 = -32800;
    /// The connection has too many subscriptions; `data.kind` is `too_many_subscriptions`.
    pub const TOO_MANY_SUBSCRIPTIONS: i64 = -32006;
    /// The message nests or counts too much; `data.kind` is `too_complex`.
    pub const TOO_COMPLEX: i64 = -32007;
    /// The answer exceeds what may be sent; `data.kind` is `answer_too_big`.
    pub const ANSWER_TOO_BIG: i64 = -32008;
    /// Not executed, safe to try again; `data.kind` is `busy`.
    pub const BUSY: i64 = -32009;
    /// The batch has too many members, and none of them has run; `data.kind` is `batch_too_big`, `data.max` is the
    /// number of members that a batch may have.
    pub const BATCH_TOO_BIG: i64 = -32010;
    /// The answer does not fit into that of its batch any more; `data.kind` is `answer_too_big`.
    pub const BATCH_ANSWER_TOO_BIG: i64 = -32011;
    /// The deadline ran out; `data.kind` is `deadline`.
    pub const DEADLINE: i64 = -32012;
    /// The caller may not call this method; `data.kind` is `not_authorized`.
    pub const NOT_AUTHORIZED: i64 = -32013;
    /// The request was stopped while it ran, because the connection is closed on purpose (shutdown, kick, expiry),
    /// so it may have run; `data.kind` is `interrupted`, `data.closeCode` is the code of the close that follows.
    pub const INTERRUPTED: i64 = -32014;
    /// An earlier call under the same idempotency key has run, or may have, and its answer is not kept any more;
    /// `data.kind` is `answer_forgotten`.
    pub const ANSWER_FORGOTTEN: i64 = -32015;

    /// Whether `code` is kept for the specification and for us: -32768 to -32000, and -32800.
    pub const fn is_reserved(code: i64) -> bool {
        code == Self::CANCELLED || (code >= -32768 && code <= -32000)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_codes_mean_something_only_with_their_kind() {
        assert_eq!(ErrorObject::busy("pending_calls").kind(), Some(Kind::Busy));
        assert_eq!(ErrorObject::new(ErrorCode::BUSY, "server is sad").kind(), None);
        let other = ErrorObject::of_kind(ErrorCode::BUSY, Kind::Deadline, "mixed up");
        assert_eq!(other.kind(), None);
    }

    #[test]
    fn violations_are_read_only_where_code_and_kind_say_so() {
        let violations = vec![Violation::new("user", "is missing")];
        let ours = ErrorObject::violating("m", &violations);
        assert_eq!(
            ours.data.as_ref().unwrap().get(),
            r#"{"kind":"invalid_params","violations":[{"path":"user","message":"is missing"}]}"#
        );
        assert_eq!(ours.violations(), Some(violations));
        assert_eq!(ErrorObject { code: 1, ..ours }.violations(), None);
        for data in [
            r#"{"kind":"busy","violations":[]}"#,
            r#"{"violations":[]}"#,
            r#"{"kind":"invalid_params"}"#,
            r#"{"kind":"invalid_params","violations":[{"path":1}]}"#,
            r#"["invalid_params",[]]"#,
        ] {
            let data = Some(RawValue::from_string(data.to_owned()).unwrap());
            let other = ErrorObject { data, ..ErrorObject::invalid_params("m") };
            assert_eq!(other.violations(), None, "{other:?}");
        }
        assert_eq!(ErrorObject::invalid_params("m").violations(), None);
    }

    #[test]
    fn data_null_is_not_no_data() {
        let error: ErrorObject =
            serde_json::from_str(r#"{"code":1,"message":"m","data":null}"#).unwrap();
        assert_eq!(error.data.unwrap().get(), "null");
    }

    #[test]
    fn reserved_codes_are_the_range_and_the_cancellation() {
        for code in [-32768, -32000, -32603, -32800] {
            assert!(ErrorCode::is_reserved(code), "{code}");
        }
        for code in [-32769, -31999, -32801, 0, 1001] {
            assert!(!ErrorCode::is_reserved(code), "{code}");
        }
    }
}
