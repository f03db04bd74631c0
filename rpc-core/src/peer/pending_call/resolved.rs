//! The resolution of a call, and its conversion into the answer or error of the caller.

use crate::error::call::{CallError, Fate};
use crate::error::rpc_error::RpcError;
use crate::peer::from_answer::{Answer, Kind};
use crate::peer::slot::Shared;
use crate::protocol::{Outcome, Refused};
use crate::stream::Remote;
use crate::util::sync::Arc;

const NO_STREAMS: &str = "the other end takes no streams as params: it has said no `$/hello`; set \
    `Hello::Always` to ask for it where there are no headers, or a proxy between drops `Rpc-Hello`";
const PLAIN: &str = "this end is set to be `plain`: it sends no streams as params";

/// The resolution of a call. The JSON of the answer is not decoded yet.
pub(crate) enum Resolved {
    Outcome(Outcome),
    /// The answer of the call's layers. Boxed, because most calls have no layers.
    Layered(Box<Result<Answer, CallError>>),
    /// The call failed before it started.
    Failed(Failure),
}

/// The reason why a call was not sent.
pub(crate) enum Failure {
    /// The message cannot be encoded.
    Encode(String),
    Refused(Refused),
    /// The deadline had passed.
    Late,
    /// The call's batch was not sent.
    Unsent,
}

impl Resolved {
    /// Returns the raw answer, or the error, typed with the method's error type.
    pub(crate) fn into_answer<E: RpcError>(
        self,
        shared: &Arc<Shared>,
    ) -> Result<Answer, CallError<E>> {
        match self {
            Self::Outcome(outcome) => answer(outcome, shared),
            Self::Layered(answer) => answer.map_err(CallError::typed),
            Self::Failed(failure) => Err(failure.into()),
        }
    }
}

fn answer<E: RpcError>(outcome: Outcome, shared: &Arc<Shared>) -> Result<Answer, CallError<E>> {
    Ok(Answer(match outcome {
        Outcome::Result(json) => Kind::Json(json),
        Outcome::Attached(result) => Kind::Attached(result),
        Outcome::Subscribed(key) => Kind::Stream(Remote::new(shared.clone(), key)),
        Outcome::Opened(opened) => {
            Kind::Stream(Remote::opened(shared.clone(), opened.key, opened.names))
        }
        Outcome::Error(error) => return Err(CallError::from_answer(*error)),
        Outcome::Malformed(why) => return Err(CallError::Decode(why.into())),
        Outcome::Busy => return Err(CallError::Busy),
        Outcome::NoStreams => return Err(CallError::Encode(NO_STREAMS.into())),
        Outcome::Timeout(fate, heard) => return Err(CallError::Timeout { fate, heard }),
        Outcome::Unanswered(why, fate) => {
            return Err(CallError::Unanswered { why: why.into_string(), fate });
        }
        Outcome::Closed(reason, fate) => return Err(CallError::Closed { reason: *reason, fate }),
    }))
}

impl<E> From<Failure> for CallError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Encode(why) => Self::Encode(why.into()),
            Failure::Late => Self::Timeout { fate: Fate::NotSent, heard: None },
            Failure::Unsent => Self::Cancelled { fate: Fate::NotSent },
            Failure::Refused(Refused::Busy) => Self::Busy,
            Failure::Refused(Refused::NoStreams) => Self::Encode(PLAIN.into()),
            Failure::Refused(Refused::Closed(reason)) => {
                Self::Closed { reason, fate: Fate::NotSent }
            }
        }
    }
}
