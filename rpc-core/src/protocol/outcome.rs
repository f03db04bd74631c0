//! How a call of this end ends: with an outcome, or by a refusal to start it.

use smol_str::SmolStr;

use crate::error::call::Fate;
use crate::error::close::CloseReason;
use crate::error::object::ErrorObject;
use crate::protocol::tables::streams::IncomingKey;
use crate::wire::attached::Attached;
use crate::wire::opened::StreamNames;

/// How a call of this end was resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The JSON text of the result.
    Result(SmolStr),
    /// The result, with bytes beside its JSON text.
    Attached(Box<Attached>),
    /// The stream that the call asked for.
    Subscribed(IncomingKey),
    /// The stream that a call which was handed on has opened.
    Opened(Box<Opened>),
    /// The other end's error. It is in a box: outcomes are moved, and most are a short result.
    Error(Box<ErrorObject>),
    /// The response cannot be read, for this reason.
    Malformed(Box<str>),
    /// The call was not sent: it waited for room on the wire in vain.
    Busy,
    /// The call was not sent: there is a stream among its params, and the other end takes no streams.
    NoStreams,
    /// The deadline came before an answer. An error that came under no id may have been the answer.
    Timeout(Fate, Option<Box<ErrorObject>>),
    /// The batch of the call was refused as a whole, or answered without the call: the reason, and whether
    /// the call may have run.
    Unanswered(Box<str>, Fate),
    /// The connection ended first.
    Closed(Box<CloseReason>, Fate),
}

impl Outcome {
    /// Returns the stream that the call has opened.
    pub(crate) fn stream(&self) -> Option<IncomingKey> {
        match self {
            Self::Subscribed(key) => Some(*key),
            Self::Opened(opened) => Some(opened.key),
            _ => None,
        }
    }
}

/// A stream that a call which was handed on has opened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Opened {
    pub(crate) key: IncomingKey,
    pub(crate) names: StreamNames,
}

/// Why a call did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The limit `pending_calls` is reached or, for a call with a stream, the limit `streams`.
    Busy,
    /// There is a stream among its params, and this end is configured as a plain peer.
    NoStreams,
    /// The connection has ended.
    Closed(CloseReason),
}
