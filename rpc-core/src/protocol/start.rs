//! A call of this end on its way in: what its caller asks for.

use std::time::Duration;

use crate::protocol::tables::calls::SlidingDeadline;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::streams::Wanted;

/// A call of this end, before it starts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    /// When the call times out, counted from the start of the connection.
    pub(crate) deadline: Option<Duration>,
    pub(crate) caller: Caller,
    /// The names that belong to the subscription that the call asks for, if it does.
    pub(crate) wanted: Option<Box<Wanted>>,
    /// The ids of the streams among the params, as JSON text.
    pub(crate) streams: Vec<Box<str>>,
    /// How the deadline begins anew, if it does.
    pub(crate) sliding: Option<SlidingDeadline>,
    /// Whether the caller listens to the progress of the call.
    pub(crate) progress: bool,
    /// Whether the call must not be cancelled.
    pub(crate) is_lasting: bool,
    /// Whether the call may be made again if its session ends before the answer.
    pub(crate) may_repeat: bool,
    /// Whether the call is handed on for another end, and the other end is told so.
    pub(crate) is_forwarded: bool,
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Caller {
    /// Code outside of all handlers.
    #[default]
    Outside,
    /// A handler of this connection. It releases its permit until the call is resolved.
    Handler(Key),
    /// A handler of another connection, which releases its permit there.
    Elsewhere,
}

impl Caller {
    /// Returns whether a handler makes the call.
    pub(super) fn is_marked(self) -> bool {
        !matches!(self, Self::Outside)
    }
}
