//! The links of a client: attached, and lost.

use rpc_core::CloseReason;
use rpc_core::internal::runtime::Instant;
use rpc_core::transport::SessionEnd;
use rpc_core::types::GoAway;

use super::{Link, Next, Plan, Supervisor, Trouble};
use crate::reconnect::setback::Setback;
use crate::socket::Socket;

impl Supervisor {
    /// Gives the connection its next link.
    pub(super) fn attach(&mut self, socket: Socket, has_announced: bool) {
        if !has_announced && self.connection.wants_to_resume() {
            // A token would not be looked at on this link.
            let ended = self.connection.renew_session("the session is not resumed");
            self.has_ended_session(ended);
        }
        let may_resume = socket.agreed.answers_hello && self.connection.wants_to_resume();
        self.link = if may_resume { Link::AwaitsHello } else { Link::Up };
        let agreed = socket.attach(&mut self.connection);
        self.subprotocol = agreed.subprotocol;
    }

    /// The connection has a link, and the session goes on or a fresh one begins.
    pub(super) fn has_link(&mut self, resumed: bool, ended: Option<SessionEnd>) {
        self.link = Link::Up;
        self.backoff.up(self.now(), self.connection.spread());
        (self.plan, self.refused) = (Plan::FIRST, None);
        self.has_ended_session(ended);
        if !resumed {
            self.sessions.begin(&self.peer);
        }
        self.is_up();
    }

    /// The link is lost; or the session has ended by itself, when it was without a link for too long.
    pub(super) fn has_lost_link(
        &mut self,
        reason: CloseReason,
        ended: Option<SessionEnd>,
        going_away: Option<GoAway>,
    ) {
        self.has_ended_session(ended);
        let setback = match std::mem::replace(&mut self.link, Link::None) {
            Link::None => return,
            Link::AwaitsHello => Setback::NoHello(reason),
            Link::Up => Setback::Lost(reason),
        };
        self.backoff.spread_over(self.connection.spread());
        if let Some(news) = going_away {
            self.backoff.going_away(news);
        }
        self.set_back(setback);
    }

    /// Counts the next attempt: from 1 after the client was up.
    pub(super) fn has_trouble(&mut self) {
        if self.sessions.was_up_at_last() {
            self.trouble = Trouble { since: Instant::now(), attempt: 1, error: None };
        } else if !matches!(self.next, Next::UnderWay { .. }) {
            self.trouble.attempt = self.trouble.attempt.saturating_add(1);
        }
    }
}
