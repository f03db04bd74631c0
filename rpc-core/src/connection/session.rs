//! The session of a connection: granted, resumed, lost, and ended.

use std::time::Duration;

use super::driver::Driver;
use super::event::{ConnectionEvent, SessionEnd};
use super::link::{Link, Muted};
use super::retired::Retired;
use super::taken_in::TakenIn;
use super::{Connection, Phase};
use crate::error::close::{CloseCode, CloseReason, ClosedBy};
use crate::peer::remote_profile::RemoteSupport;
use crate::protocol::session::{Asked, EndedSession, NextToken, SPREAD};
use crate::service::Service;
use crate::stream::StreamEnd;
use crate::util::catch::drop_quietly;
use crate::util::sync::Ordering;
use crate::util::token::Token;
use crate::util::waiter::Waiter;
use crate::wire::goaway::GoAway;
use crate::wire::session::{Refusal, RefusedAs};

/// The refusal of a token on a link that has not announced it.
const UNKNOWN: Refusal<'_> = Refusal { why: RefusedAs::Unknown, received: None, end: None };

/// How many connections reconnect in one second when all do, and over how long at most.
const RECONNECTS: (u32, Duration) = (2000, Duration::from_secs(5));

impl Connection {
    /// Gives up the link, but not the connection. The close with `reason` leaves in the background.
    pub(super) fn retire(&mut self, reason: CloseReason, within: Duration) {
        let until = self.driver.shared.clock.now().saturating_add(within);
        if let Some(link) = self.lose_link() {
            self.retired = Some(Retired::new(link, Some(reason), until));
        }
    }

    /// Goes on without the link. Returns the link.
    pub(super) fn lose_link(&mut self) -> Option<Link> {
        let now = self.driver.shared.clock.now();
        self.driver.report_taken_in(now);
        // The link before waited for an answer that does not come over this one.
        drop(self.retired.take_if(|retired| retired.waits()));
        let link = self.link.take()?;
        self.driver.outgoing.clear();
        let shared = &self.driver.shared;
        let has_session = shared.with(|state| {
            state.protocol.detach(link.accepted(), now);
            state.protocol.has_granted_session()
        });
        if has_session {
            self.driver.kept = (0, 0);
            shared.config.registry.session_away(shared);
        }
        Some(link)
    }

    /// Goes on over another link. The one before, if there is one, is closed with `reason` in the background.
    pub(super) fn replace_link(&mut self, link: Link, reason: CloseReason) {
        let shared = &self.driver.shared;
        let until = shared.clock.now().saturating_add(shared.config.limits.close);
        self.driver.outgoing.clear();
        let before = self.link.replace(link);
        self.retired = before.map(|before| Retired::new(before, Some(reason), until));
    }

    /// The other end has broken a rule, or has closed the link: the link is closed, or the whole connection.
    pub(super) fn fault(&mut self, reason: CloseReason) {
        let is_of_peer = reason.by == ClosedBy::Peer;
        let gives_up_link = reason.code == Some(CloseCode::LINK_GIVEN_UP);
        let (outlives_links, may_be_resumed, news) = self.at_the_end_of_link();
        let (goes_on, is_kept) = if outlives_links {
            let is_kept =
                if is_of_peer { reason.code != Some(CloseCode::NORMAL) } else { gives_up_link };
            (!is_of_peer || reason.may_reconnect(), is_kept)
        } else {
            let is_kept = is_of_peer && gives_up_link && may_be_resumed;
            (is_kept, is_kept)
        };
        if !goes_on || matches!(self.phase, Phase::Closing(_) | Phase::Closed) {
            self.begin_closing(reason, None);
            return;
        }
        let within = self.driver.shared.config.limits.close;
        let before = self.take_end_before();
        self.retire(reason.clone(), within);
        self.driver.lost(reason, is_kept && may_be_resumed, news, before);
    }

    /// The link broke: the connection goes on without one, or ends.
    pub(super) fn link_broke(&mut self, reason: CloseReason) {
        let (outlives_links, may_be_resumed, news) = self.at_the_end_of_link();
        if !outlives_links && !may_be_resumed {
            self.lose(reason);
            return;
        }
        let before = self.take_end_before();
        drop(self.lose_link());
        self.driver.lost(reason, may_be_resumed, news, before);
    }

    /// Takes the end of the session before, of which nobody was told because the link was not open yet.
    fn take_end_before(&mut self) -> Option<SessionEnd> {
        match self.link.as_mut()?.muted.take_if(|muted| matches!(muted, Muted::Opening(_)))? {
            Muted::Opening(ended) => ended,
            Muted::UntilFirst(_) | Muted::UntilAnswer => None,
        }
    }

    /// Returns whether the connection outlives its links, whether the session may be resumed, and what the other end
    /// said when it was about to close.
    fn at_the_end_of_link(&self) -> (bool, bool, Option<GoAway>) {
        let protocol = &self.driver.shared.lock().protocol;
        let news = protocol.going_away().cloned();
        (protocol.outlives_links(), protocol.may_be_resumed(), news)
    }
}

impl Driver {
    /// The link is lost for `reason`: the session goes on without one if it `is_kept`, or ends. If the link was never
    /// open, the session that was really lost is the one `before`.
    fn lost(
        &mut self,
        reason: CloseReason,
        is_kept: bool,
        going_away: Option<GoAway>,
        before: Option<SessionEnd>,
    ) {
        let ended = if is_kept {
            self.stop_while_away();
            None
        } else {
            self.end_session(&reason)
        };
        self.tell(ConnectionEvent::Lost { reason, ended: before.or(ended), going_away });
    }

    /// Stops the methods that run for nobody else than a caller who is there.
    fn stop_while_away(&mut self) {
        let methods = self.shared.config.services.methods();
        let stops = |method: usize| methods[method].flags.stop_while_away;
        let stopped = self.shared.with(|state| state.protocol.interrupt_away(stops));
        stopped.into_iter().for_each(|key| self.stop(key));
    }

    /// Tells the protocol of the messages that were read.
    pub(super) fn report_taken_in(&mut self, now: Duration) {
        if !self.taken_in.is_empty() {
            self.taken_in.tell(&mut self.shared.lock().protocol, now);
        }
    }

    /// Tells the registry what the session keeps while there is no link.
    pub(super) fn report_kept(&mut self) {
        let kept = {
            let protocol = &self.shared.lock().protocol;
            let has_session = protocol.has_granted_session() && protocol.away_since().is_some();
            has_session.then(|| (protocol.kept_bytes(), protocol.in_flight()))
        };
        if let Some((bytes, handlers)) = kept.filter(|kept| *kept != self.kept) {
            self.kept = (bytes, handlers);
            self.shared.config.registry.session_keeps(&self.shared, bytes, handlers);
        }
    }

    /// The other end has said hello: it counts what comes behind.
    pub(super) fn greeted(&mut self) {
        self.taken_in = TakenIn::default();
        self.was_greeted = true;
        self.shared.remote.set(RemoteSupport::Extended);
        let takes_bytes = self.shared.lock().protocol.takes_bytes();
        self.shared.takes_bytes.store(takes_bytes, Ordering::Relaxed);
        #[cfg(feature = "schema")]
        self.compare_offers();
    }

    /// Grants the session for which the other end asks.
    #[cold]
    pub(super) fn grant_session(&mut self, asked: Asked) {
        self.greeted();
        let spread = self.spread();
        let refused = self.refusal.take_if(|_| asked.has_token);
        // The link may have been given up long ago: its requests wait until the client answers.
        let is_held = refused.is_some();
        let refusal = match &refused {
            Some(refused) => Some(refused.said()),
            None => asked.has_token.then_some(UNKNOWN),
        };
        if let Some(refusal) = refusal {
            self.shared.config.registry.session_refused(refusal.why.name());
        }
        let mut state = self.shared.lock();
        match Token::new(&self.shared.id) {
            Some(token) => {
                self.shared.config.registry.session_granted();
                let next = NextToken { secret: token.secret, text: &token.text(), spread };
                state.protocol.grant(asked, next, refusal, is_held);
            }
            None => {
                state.protocol.grant_nothing();
                drop(state);
                self.refusal = refused;
            }
        }
    }

    /// Returns the time over which clients are to spread their first attempts to reconnect.
    pub(super) fn spread(&self) -> Duration {
        let connections = u32::try_from(self.shared.config.registry.len()).unwrap_or(u32::MAX);
        let spread = Duration::from_secs(connections.into()) / RECONNECTS.0;
        spread.clamp(SPREAD, RECONNECTS.1)
    }

    /// The other end asks for another link.
    #[cold]
    pub(super) fn asked_to_move(&mut self) {
        // Once is enough, however often the other end asks before the program has heard of it.
        if !self.is_to_tell(&ConnectionEvent::AskedToMove) {
            self.tell(ConnectionEvent::AskedToMove);
        }
    }

    /// The session goes on over this link.
    #[cold]
    pub(super) fn resumed(&mut self) {
        self.taken_in = TakenIn::default();
        self.up(true, None);
    }

    /// Tells that the connection has a link, or that its client knows of its session.
    pub(super) fn up(&mut self, resumed: bool, ended: Option<SessionEnd>) {
        self.tell(ConnectionEvent::Up { resumed, ended });
    }

    /// The session has ended, and another one has begun over this link.
    #[cold]
    pub(super) fn session_ended(&mut self) {
        self.greeted();
        let ended = self.shared.lock().protocol.take_ended_session();
        let ended = ended.map(|ended| self.stop_session(*ended));
        self.up(false, ended);
    }

    /// Ends the session, while the connection goes on.
    pub(super) fn end_session(&mut self, reason: &CloseReason) -> Option<SessionEnd> {
        let now = self.shared.clock.now();
        let ended = self.shared.lock().protocol.end_session(reason, None, now);
        ended.map(|ended| self.stop_session(ended))
    }

    /// Stops what belongs to a session that has ended, without the lock: handlers and streams are code of the
    /// application.
    pub(super) fn stop_session(&mut self, ended: EndedSession<Waiter>) -> SessionEnd {
        let EndedSession { reason, losses, streams, unanswered } = ended;
        unanswered.into_iter().for_each(drop_quietly);
        self.handlers.clear();
        let waiting = self.returned.drain(..).chain(self.woken.drain(..));
        waiting.for_each(drop_quietly);
        let end = StreamEnd::Closed { reason: reason.clone() };
        streams.into_iter().for_each(|key| self.streams.lose(key, &end));
        let to_wake = std::mem::take(&mut self.shared.lock().protocol.to_wake);
        to_wake.into_iter().for_each(Waiter::notify);
        SessionEnd::new(reason, losses)
    }
}
