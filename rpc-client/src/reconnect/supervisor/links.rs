//! The links of a client: attached, and lost.

use rpc_core::CloseReason;
use rpc_core::internal::runtime::Instant;
use rpc_core::transport::SessionEnd;
use rpc_core::types::GoAway;

use super::{Link, Next, Plan, Supervisor, Trouble};
use crate::opened::Opened;
use crate::reconnect::setback::Setback;
use crate::reconnect::states::Via;
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
        let (agreed, opened) = socket.attach(&mut self.connection);
        if opened.is_some() {
            // There is no link before the server has answered the hello.
            self.link = Link::AwaitsHello;
        }
        (self.subprotocol, self.carrier, self.opened) =
            (agreed.subprotocol, agreed.carrier, opened);
        let host = self.dialer.attempts[self.turns.current()].host();
        self.reporter.connected(Via { carrier: self.carrier, host });
    }

    /// The connection has a link, and the session goes on or a fresh one begins.
    pub(super) fn has_link(&mut self, resumed: bool, ended: Option<SessionEnd>) {
        (self.link, self.opened) = (Link::Up, None);
        self.turns.connected();
        self.note_detour();
        self.note_server();
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
        let mut opened = self.opened.take();
        if let Some(error) = opened.as_mut().and_then(Opened::error) {
            self.link = Link::None;
            #[cfg(not(target_family = "wasm"))]
            if error.is_swallowed() {
                self.go_round(error);
                return;
            }
            let credential = opened.and_then(|opened| opened.credential);
            self.has_failed(error, credential);
            return;
        }
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
