//! Errors that `data.kind` marks as errors of this framework. From another implementation the same code can mean
//! anything.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::close::CloseCode;
use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;

/// The meaning of a code of this framework, as `data.kind` tells it.
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
    pub(crate) const fn name(self) -> &'static str {
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

impl ErrorObject {
    /// Creates an error of this framework. Its `data.kind` tells this framework's peers what the code means.
    pub(crate) fn of_kind(code: i64, kind: Kind, message: impl Into<String>) -> Self {
        Self::new(code, message).with_data(&KindData { kind: kind.name() })
    }

    /// -32014: the request was stopped while it ran, because the connection is closed with `code`. The request may
    /// have run.
    pub(crate) fn interrupted(code: Option<CloseCode>) -> Self {
        let message = "interrupted: the connection is closed while the request runs";
        let kind = Kind::Interrupted.name();
        let data = InterruptedData { kind, close_code: code.map(CloseCode::value) };
        Self::new(ErrorCode::INTERRUPTED, message).with_data(&data)
    }

    /// -32014: the request was stopped while it ran, because its caller lost its link. The request may have run.
    pub(crate) fn interrupted_away() -> Self {
        let message = "interrupted: the caller lost its link while the request ran";
        Self::of_kind(ErrorCode::INTERRUPTED, Kind::Interrupted, message)
    }

    /// Returns the code of the close that follows this error, if the error tells the code.
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

    /// Creates -32009: the request was not executed because `limit` is reached. It is safe to try again.
    pub fn busy(limit: &str) -> Self {
        let message = format!("busy: not executed, `{limit}` is reached");
        Self::of_kind(ErrorCode::BUSY, Kind::Busy, message)
    }

    /// Adds the time after which the caller may try again: `retryAfterMs` in the data, in milliseconds, rounded up.
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

    /// -32009: the request was not executed because this end is about to close.
    pub(crate) fn shutting_down() -> Self {
        let message = "busy: not executed, the server is shutting down";
        Self::of_kind(ErrorCode::BUSY, Kind::Busy, message)
    }

    /// -32009: the request was not executed because its caller lost its link before.
    pub(crate) fn not_begun_away() -> Self {
        let message = "busy: not executed, the caller lost its link before";
        Self::of_kind(ErrorCode::BUSY, Kind::Busy, message)
    }

    /// Creates -32012: the deadline of the call has passed.
    pub fn deadline() -> Self {
        Self::of_kind(ErrorCode::DEADLINE, Kind::Deadline, "the deadline ran out")
    }

    /// Creates -32013: the caller may not call this method. The message does not tell why.
    pub fn not_authorized() -> Self {
        let message = "not authorized for this method";
        Self::of_kind(ErrorCode::NOT_AUTHORIZED, Kind::NotAuthorized, message)
    }

    /// -32015: a call under this key has run, or may have run, and its answer is not stored any more.
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

    /// Returns how many members a batch may have, if this error reports a batch with too many members.
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

    /// Returns the meaning of this error in this framework, only if the code *and* `data.kind` tell it. From another
    /// implementation the same code can mean anything.
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
}

#[test]
fn our_codes_mean_something_only_with_their_kind() {
    assert_eq!(ErrorObject::busy("pending_calls").kind(), Some(Kind::Busy));
    assert_eq!(ErrorObject::new(ErrorCode::BUSY, "server is sad").kind(), None);
    let other = ErrorObject::of_kind(ErrorCode::BUSY, Kind::Deadline, "mixed up");
    assert_eq!(other.kind(), None);
}
