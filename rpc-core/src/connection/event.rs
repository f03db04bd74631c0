//! What happens to a connection that outlives its links.

use crate::error::close::CloseReason;
use crate::protocol::session::Losses;
use crate::wire::goaway::GoAway;

/// What has happened to a connection, as [`Connection::next_event`](super::Connection::next_event) tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// The connection has a link.
    #[non_exhaustive]
    Up {
        /// Whether the session of the link before goes on. Otherwise a fresh session has begun.
        resumed: bool,
        /// The session before, if it has ended now, because the other end did not resume it.
        ended: Option<SessionEnd>,
    },
    /// The connection has lost its link, and goes on without one.
    #[non_exhaustive]
    Lost {
        /// How the link ended.
        reason: CloseReason,
        /// The session, if it has ended with the link. Otherwise the next link may resume the session.
        ended: Option<SessionEnd>,
        /// What the other end said before, if it had announced to close the link.
        going_away: Option<GoAway>,
    },
    /// The other end asks for another link of the session (`$/goaway` with `move`). The present link works until then.
    AskedToMove,
    /// The connection has ended.
    Closed(CloseReason),
}

/// A session that has ended while the connection goes on, and what was lost with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionEnd {
    /// Why the session has ended.
    pub reason: CloseReason,
    /// Calls that have failed.
    pub lost_calls: u64,
    /// Notifications that may not have arrived.
    pub lost_notifications: u64,
    /// Streams of the other end that show a gap and go on.
    pub gaps: u64,
}

impl SessionEnd {
    pub(super) fn new(reason: CloseReason, losses: Losses) -> Self {
        let Losses { calls, notifications, gaps } = losses;
        Self { reason, lost_calls: calls, lost_notifications: notifications, gaps }
    }
}
