//! The outcome of a call, as a label for spans, metrics and the access log.

use std::borrow::Cow;
use std::thread;

use super::{Answer, CallFuture, Outcome};
use crate::error::call::CallError;
use crate::error::code::ErrorCode;
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
#[cfg(feature = "metrics")]
use crate::error::rpc_error::ErrorInfo;
use crate::service::handler::Handler;
use crate::util::runtime::Instant;

/// The way in which a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Ok,
    /// An answer with a code that has no variant of its own below.
    Error(i64),
    Busy,
    Timeout,
    /// The call was in a batch that the peer refused, or whose answer holds no answer to this call.
    Unanswered,
    /// The caller cancelled the call, or the connection ended.
    Cancelled,
    Panicked,
    /// The connection ended before the answer.
    Closed,
    Encode,
    Decode,
}

/// Codes that have a meaning in every program. They are few enough to be labels.
#[cfg(feature = "metrics")]
const KNOWN: &[i64] = &[
    ErrorCode::PARSE,
    ErrorCode::INVALID_REQUEST,
    ErrorCode::METHOD_NOT_FOUND,
    ErrorCode::INVALID_PARAMS,
    ErrorCode::INTERNAL,
    ErrorCode::CANCELLED,
    ErrorCode::TOO_MANY_SUBSCRIPTIONS,
    ErrorCode::TOO_COMPLEX,
    ErrorCode::ANSWER_TOO_BIG,
    ErrorCode::BUSY,
    ErrorCode::BATCH_TOO_BIG,
    ErrorCode::BATCH_ANSWER_TOO_BIG,
    ErrorCode::DEADLINE,
    ErrorCode::NOT_AUTHORIZED,
    ErrorCode::INTERRUPTED,
    ErrorCode::ANSWER_FORGOTTEN,
];

impl Ended {
    /// Returns the value of `error.type` in OpenTelemetry's conventions: a word, or the code. Returns `None` if
    /// nothing failed.
    pub(super) fn error_type(self) -> Option<Cow<'static, str>> {
        let word = match self {
            Self::Ok => return None,
            Self::Error(code) => return Some(code.to_string().into()),
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Unanswered => "unanswered",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
            Self::Closed => "closed",
            Self::Encode => "encode",
            Self::Decode => "decode",
        };
        Some(word.into())
    }

    /// Returns [`error_type`](Self::error_type) as a label of a metric. Peers and data choose codes. So a code
    /// without a reserved meaning is a label only if the method has `declared` it; otherwise there could be any
    /// number of labels.
    #[cfg(feature = "metrics")]
    pub(super) fn label(self, declared: &[ErrorInfo]) -> Option<Cow<'static, str>> {
        match self {
            Self::Error(code) if !is_known(code, declared) => Some(super::OTHER.into()),
            _ => self.error_type(),
        }
    }

    /// Returns the code in the answer to a served call, as far as the code is known.
    pub(super) fn code(self) -> Option<i64> {
        match self {
            Self::Error(code) => Some(code),
            Self::Busy => Some(ErrorCode::BUSY),
            Self::Timeout => Some(ErrorCode::DEADLINE),
            Self::Panicked => Some(ErrorCode::INTERNAL),
            Self::Ok
            | Self::Unanswered
            | Self::Cancelled
            | Self::Closed
            | Self::Encode
            | Self::Decode => None,
        }
    }

    /// Describes an answer of this end that no layer saw.
    pub(super) fn refused(code: i64) -> Self {
        match code {
            ErrorCode::BUSY => Self::Busy,
            ErrorCode::DEADLINE => Self::Timeout,
            code => Self::Error(code),
        }
    }

    /// Describes a call that was dropped before its end. `deadline` is the deadline of the call.
    fn dropped(deadline: Option<Instant>) -> Self {
        if thread::panicking() {
            Self::Panicked
        } else if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            Self::Timeout
        } else {
            Self::Cancelled
        }
    }
}

#[cfg(feature = "metrics")]
fn is_known(code: i64, declared: &[ErrorInfo]) -> bool {
    KNOWN.contains(&code) || declared.iter().any(|error| error.code == code)
}

impl From<&ErrorObject> for Ended {
    fn from(error: &ErrorObject) -> Self {
        match error.kind() {
            Some(Kind::Busy) => Self::Busy,
            Some(Kind::Deadline) => Self::Timeout,
            Some(Kind::Cancelled) => Self::Cancelled,
            Some(Kind::Interrupted) => Self::Closed,
            _ => Self::Error(error.code),
        }
    }
}

impl From<&Outcome> for Ended {
    fn from(outcome: &Outcome) -> Self {
        outcome.error().map_or(Self::Ok, Self::from)
    }
}

impl From<&Result<Answer, CallError>> for Ended {
    fn from(answer: &Result<Answer, CallError>) -> Self {
        match answer {
            Ok(_) => Self::Ok,
            Err(CallError::Method(never)) => match *never {},
            Err(CallError::Remote(error)) => error.into(),
            Err(CallError::Timeout { .. }) => Self::Timeout,
            Err(CallError::Unanswered { .. }) => Self::Unanswered,
            Err(CallError::Cancelled { .. }) => Self::Cancelled,
            Err(CallError::Busy) => Self::Busy,
            Err(CallError::Closed { .. }) => Self::Closed,
            Err(CallError::Encode(_)) => Self::Encode,
            Err(CallError::Decode(_)) => Self::Decode,
        }
    }
}

/// Calls a closure once when a call has ended, also if the call is dropped.
pub(super) struct Ending<F: FnOnce(Ended)> {
    tell: Option<F>,
    deadline: Option<Instant>,
}

impl<F: FnOnce(Ended)> Ending<F> {
    /// `deadline` is the time at which the call is stopped, if it has one.
    pub(super) fn new(deadline: Option<Instant>, tell: F) -> Self {
        Self { tell: Some(tell), deadline }
    }

    /// Wraps the handler of a served call, and reports how the call ends.
    pub(super) fn around_handler(self, handler: Handler) -> Handler
    where
        F: Send + 'static,
    {
        Handler::from_future(async move {
            let outcome = handler.await;
            self.tell(Ended::from(&outcome));
            outcome
        })
    }

    /// Wraps a made call, and reports how the call ends.
    pub(super) fn around_call(self, future: CallFuture) -> CallFuture
    where
        F: Send + 'static,
    {
        CallFuture::from_future(async move {
            let answer = future.await;
            self.tell(Ended::from(&answer));
            answer
        })
    }

    pub(super) fn tell(mut self, ended: Ended) {
        if let Some(tell) = self.tell.take() {
            tell(ended);
        }
    }
}

impl<F: FnOnce(Ended)> Drop for Ending<F> {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(Ended::dropped(self.deadline));
        }
    }
}
