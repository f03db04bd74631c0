//! The errors of calls, sorted by what a caller can do about them.

use std::convert::Infallible;
use std::{error, fmt};

use crate::error::close::CloseReason;
use crate::error::codec::{DecodeError, EncodeError};
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::util::chain::Chain;
use crate::util::escaped::Escaped;
use crate::util::excerpt::Shortened;

/// The reason why a call has no result.
///
/// `E` is the typed error of the method. A call without a trait has no typed error. A handler that makes calls can
/// pass on their errors with `?`; see [`from_call`](derive@crate::RpcError).
///
/// The `Display` text is one line and safe in a log: line breaks and control characters from the peer are escaped. It
/// does not repeat the `source()`. The source tells why params cannot be sent or why an answer cannot be read. For
/// the method's own error it is the source of that error.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use rpc_core::{CallError, Fate, Router, memory};
///
/// let (peer, other) = memory::pair(Router::new(), Router::new());
/// match peer.call::<u32>("answer", ()).await {
///     Err(CallError::Remote(error)) => assert_eq!(error.message, "no method `answer`"),
///     other => panic!("{other:?}"),
/// }
/// other.close(rpc_core::CloseCode::NORMAL, "enough");
/// peer.closed().await;
/// // The call was never sent, so it is safe to call again on another connection.
/// let error = peer.call::<u32>("answer", ()).await.unwrap_err();
/// assert_eq!(error.fate(), Some(Fate::NotSent));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CallError<E = Infallible> {
    /// The method answered with its own error.
    Method(E),
    /// The peer answered with any other error. [`fate`](Self::fate) is `None`, except for one error: the answer to an
    /// earlier call under this [idempotency key](crate::Call::idempotency_key) is not stored any more.
    Remote(ErrorObject),
    /// No answer came within the deadline. The deadline passed at this end, or the peer has reported it.
    Timeout {
        /// Whether the call may have run.
        fate: Fate,
        /// An error without an id that the peer sent while the call was open. The error may be the answer to this
        /// call. It has no data here, and a long message is cut.
        heard: Option<Box<ErrorObject>>,
    },
    /// The call was sent in a batch and will get no answer. The peer has refused the whole batch, or has answered
    /// other calls of the batch and not this one.
    Unanswered {
        /// What the peer sent instead.
        why: String,
        /// Whether the call may have run.
        fate: Fate,
    },
    /// The peer says that this call was cancelled.
    Cancelled {
        /// Whether the call may have run.
        fate: Fate,
    },
    /// A limit of this end or of the peer was reached. The call was not executed, and it is safe to try again later.
    Busy,
    /// The connection ended before the answer came, or the peer stopped the request in order to close the connection.
    Closed {
        /// How the connection ended.
        reason: CloseReason,
        /// Whether the call may have run.
        fate: Fate,
    },
    /// The params could not be written as JSON, or are larger than a message may be. Nothing was sent.
    Encode(EncodeError),
    /// The answer is not what this end expects: the two ends disagree on a type.
    Decode(DecodeError),
}

/// Whether a call without an answer may have run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The transport never accepted the last byte of the request, so the peer cannot have the whole request. It is
    /// safe to send the call again.
    NotSent,
    /// The call may have run, or may still be running.
    MaybeExecuted,
}

impl<E: RpcError> CallError<E> {
    /// Interprets an error object of the peer. Reserved codes are never offered to the typed error.
    pub(crate) fn from_answer(error: ErrorObject) -> Self {
        let fate = Fate::MaybeExecuted;
        match error.kind() {
            Some(Kind::Busy) => return Self::Busy,
            Some(Kind::Deadline) => return Self::Timeout { fate, heard: None },
            Some(Kind::Cancelled) => return Self::Cancelled { fate },
            Some(Kind::Interrupted) => {
                // The close frame follows at once, unless the method stops while this end is away.
                let reason = CloseReason::peer(error.close_code(), error.message);
                return Self::Closed { reason, fate };
            }
            _ => {}
        }
        if !crate::error::code::ErrorCode::is_reserved(error.code)
            && let Some(typed) = E::from_error_object(&error)
        {
            return Self::Method(typed);
        }
        Self::Remote(error)
    }
}

impl CallError {
    /// Reads the method's typed error from this failure. Use this for a call by name, or after
    /// [`untyped`](Self::untyped).
    ///
    /// ```
    /// use rpc_core::{CallError, ErrorObject, RpcError};
    ///
    /// #[derive(Debug, PartialEq, thiserror::Error, RpcError)]
    /// #[error("sold out")]
    /// #[rpc(code = 7)]
    /// struct SoldOut;
    ///
    /// // The error of a `peer.call::<u32>("order", ())`, for example.
    /// let error: CallError = CallError::Remote(ErrorObject::new(7, "sold out"));
    /// assert_eq!(error.typed(), CallError::Method(SoldOut));
    /// ```
    pub fn typed<E: RpcError>(self) -> CallError<E> {
        match self {
            Self::Remote(error) => CallError::from_answer(error),
            rest => {
                let Err(rest) = rest.split();
                rest
            }
        }
    }
}

impl<E: RpcError> CallError<E> {
    /// Removes the typed error, which becomes [`Remote`](Self::Remote). Use this in a handler that must not pass on
    /// the typed errors of a method that it calls. See `from_call` of [`RpcError`](derive@crate::RpcError).
    pub fn untyped(self) -> CallError {
        self.split().map_or_else(|rest| rest, |own| CallError::Remote(own.to_error_object()))
    }
}

impl<E> CallError<E> {
    /// Returns the method's own error.
    ///
    /// # Errors
    /// Returns every other failure as `Err`.
    pub fn into_method(self) -> Result<E, CallError> {
        self.split()
    }

    /// Converts the method's own error with `map`, and keeps every other failure.
    pub fn map_method<F>(self, map: impl FnOnce(E) -> F) -> CallError<F> {
        self.split().map_or_else(|rest| rest, |own| CallError::Method(map(own)))
    }

    /// Returns the method's own error. Any other failure gets another error type.
    fn split<F>(self) -> Result<E, CallError<F>> {
        Err(match self {
            Self::Method(error) => return Ok(error),
            Self::Remote(error) => CallError::Remote(error),
            Self::Timeout { fate, heard } => CallError::Timeout { fate, heard },
            Self::Unanswered { why, fate } => CallError::Unanswered { why, fate },
            Self::Cancelled { fate } => CallError::Cancelled { fate },
            Self::Busy => CallError::Busy,
            Self::Closed { reason, fate } => CallError::Closed { reason, fate },
            Self::Encode(why) => CallError::Encode(why),
            Self::Decode(why) => CallError::Decode(why),
        })
    }

    /// Returns how the service of the called method differs at the other end, if that is known and may be why the call
    /// failed; see [`ErrorObject::mismatch`].
    #[cfg(feature = "schema")]
    pub fn mismatch(&self) -> Option<&crate::error::mismatch::Mismatch> {
        match self {
            Self::Remote(error) => error.mismatch(),
            _ => None,
        }
    }

    /// Returns whether a call that failed without an answer may have run. Returns `None` if the call was answered.
    ///
    /// For the answer -32015 this is `MaybeExecuted`. An earlier call under the same
    /// [idempotency key](crate::Call::idempotency_key) has run, or may have run, and its answer is not stored any
    /// more.
    pub fn fate(&self) -> Option<Fate> {
        match self {
            Self::Timeout { fate, .. }
            | Self::Unanswered { fate, .. }
            | Self::Cancelled { fate }
            | Self::Closed { fate, .. } => Some(*fate),
            Self::Busy | Self::Encode(_) => Some(Fate::NotSent),
            Self::Remote(error) if error.kind() == Some(Kind::AnswerForgotten) => {
                Some(Fate::MaybeExecuted)
            }
            Self::Method(_) | Self::Remote(_) | Self::Decode(_) => None,
        }
    }
}

const UNSENT: &str = "cannot send the params";

/// The most bytes of the message that are kept of an error without an id.
pub(crate) const LONGEST_HEARD: usize = 300;

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The peer chose the fields of this error.
            Self::Method(error) => Escaped(error).fmt(f),
            Self::Remote(error) => error.fmt(f),
            Self::Timeout { fate, heard: None } => write!(f, "no answer in time ({fate})"),
            Self::Timeout { fate, heard: Some(error) } => {
                let ErrorObject { code, message, .. } = &**error;
                let message = Shortened(message, LONGEST_HEARD);
                write!(
                    f,
                    "no answer in time ({fate}), but an error under no id: {message} (code {code})"
                )
            }
            Self::Unanswered { why, fate } => write!(f, "{why} ({fate})"),
            Self::Cancelled { fate } => write!(f, "cancelled ({fate})"),
            Self::Busy => f.write_str("busy: not executed"),
            Self::Closed { reason, fate } => write!(f, "{reason} ({fate})"),
            Self::Encode(_) => f.write_str(UNSENT),
            Self::Decode(_) => f.write_str("cannot read the answer"),
        }
    }
}

impl<E: error::Error> error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            // `Display` shows this error already, so the source is the source of the error.
            Self::Method(error) => error.source(),
            Self::Encode(why) => Some(why),
            Self::Decode(why) => Some(why),
            _ => None,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "not sent",
            Self::MaybeExecuted => "may have run",
        })
    }
}

/// The reason why a notification was not sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NotifyError {
    /// The connection has ended.
    Closed {
        /// How the connection ended.
        reason: CloseReason,
    },
    /// The outbound queue has no room. Only the `try_` functions return this; the other functions wait for room.
    Full,
    /// The params could not be written as JSON, or are larger than a message may be.
    Encode(EncodeError),
    /// A [layer](crate::layers) of this end refused the notification, with this reason.
    Refused(String),
}

/// Converts the error for layers, which see a notification as a call.
impl From<NotifyError> for CallError {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::Closed { reason } => Self::Closed { reason, fate: Fate::NotSent },
            NotifyError::Full => Self::Busy,
            NotifyError::Encode(why) => Self::Encode(why),
            NotifyError::Refused(why) => {
                Self::Remote(ErrorObject::new(crate::error::code::ErrorCode::INTERNAL, why))
            }
        }
    }
}

/// Converts the outcome of a notification's layers.
impl From<CallError> for NotifyError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Closed { reason, .. } => Self::Closed { reason },
            CallError::Busy => Self::Full,
            CallError::Encode(why) => Self::Encode(why),
            CallError::Remote(error) => Self::Refused(error.message),
            other => Self::Refused(Chain(&other).to_string()),
        }
    }
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { reason } => reason.fmt(f),
            Self::Full => f.write_str("the outbound queue is full"),
            Self::Encode(_) => f.write_str(UNSENT),
            Self::Refused(why) => Escaped(why).fmt(f),
        }
    }
}

impl error::Error for NotifyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Encode(why) => Some(why),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the text of the error and of each of its sources.
    fn levels(error: &dyn error::Error) -> Vec<String> {
        let mut levels = vec![error.to_string()];
        let mut next = error.source();
        while let Some(source) = next {
            levels.push(source.to_string());
            next = source.source();
        }
        levels
    }

    #[test]
    fn an_error_tells_its_own_level_and_its_source_the_one_below() {
        let why = "no\nnumber";
        for (error, level) in [
            (CallError::<Infallible>::Encode(why.into()), "cannot send the params"),
            (CallError::Decode(why.into()), "cannot read the answer"),
        ] {
            assert_eq!(levels(&error), [level, r"no\nnumber"]);
        }
        let unsent = NotifyError::Encode(why.into());
        assert_eq!(levels(&unsent), ["cannot send the params", r"no\nnumber"]);
        assert_eq!(EncodeError::from(why).message(), why);
        let item = crate::stream::StreamError::<crate::stream::Untyped>::Decode(why.into());
        assert_eq!(levels(&item), ["cannot read the item", r"no\nnumber"]);
        let busy: CallError = CallError::Busy;
        assert_eq!(levels(&busy), ["busy: not executed"]);
    }

    /// A notification's error has no sources, so its text holds the text of all sources of the call's error.
    #[test]
    fn a_notification_that_a_layer_refuses_tells_all_levels_in_one() {
        let refused = NotifyError::from(CallError::Decode("no number".into()));
        assert_eq!(refused, NotifyError::Refused("cannot read the answer: no number".into()));
    }
}
