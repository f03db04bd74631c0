//! A link that is offered to resume the session of this connection.

use std::any::Any;

use tokio::sync::oneshot;

use super::link::Link;
use super::{Connection, End};
use crate::error::close::{CloseCode, CloseReason};
use crate::peer::Peer;
use crate::protocol::Expiry;
use crate::protocol::session::{NextToken, RefusedResume, Resume};
use crate::util::runtime::Instant;
use crate::util::token::Token;
use crate::wire::session::{Refusal, RefusedAs};

/// A link whose client asks to resume the session.
pub(super) struct Offer {
    pub(super) link: Link,
    pub(super) resume: Resume,
    /// What was said of the end of the login that the client has shown for this link.
    pub(super) expires: Option<Expiry<Instant>>,
    /// Told whose session the link has, or why it has none.
    pub(super) verdict: oneshot::Sender<Result<Peer, Refused>>,
}

/// A link that does not get the session.
pub(super) struct Refused {
    pub(super) link: Link,
    pub(super) refused: RefusedSession,
}

/// Why a link does not get a session, and what is known of the session.
#[derive(Debug, Clone)]
pub(super) struct RefusedSession {
    pub(super) why: RefusedAs,
    /// How many messages were taken in at the end of the session.
    pub(super) received: Option<u64>,
    /// How the session has ended.
    pub(super) end: Option<(u16, Box<str>)>,
}

impl RefusedSession {
    /// The token is not known, or no reason is told.
    pub(super) const UNKNOWN: Self = Self { why: RefusedAs::Unknown, received: None, end: None };

    /// Returns how a session has ended, if it has. Who does not have the token learns nothing.
    pub(super) fn ended(session: &Peer, secret: u128) -> Option<Self> {
        let state = session.shared.lock();
        let reason = state.protocol.ended()?;
        let Some(received) = state.protocol.taken_in_at_end(secret) else {
            return Some(Self::UNKNOWN);
        };
        let end = reason.code.map(|code| (code.value(), reason.sent().into()));
        let why = if end.is_some() { RefusedAs::Ended } else { RefusedAs::Unknown };
        Some(Self { why, received: Some(received), end })
    }

    pub(super) fn said(&self) -> Refusal<'_> {
        let end = self.end.as_ref().map(|(code, reason)| (*code, &**reason));
        Refusal { why: self.why, received: self.received, end }
    }
}

impl Offer {
    /// Gives the link back: the session has ended.
    pub(super) fn refuse(offer: Box<dyn Any + Send>, session: &Peer) {
        if let Ok(offer) = offer.downcast::<Self>() {
            let Self { link, resume, verdict, .. } = *offer;
            let ended = RefusedSession::ended(session, resume.secret);
            let refused = ended.unwrap_or(RefusedSession::UNKNOWN);
            let _ = verdict.send(Err(Refused { link, refused }));
        }
    }
}

impl Connection {
    /// Resumes the session over the offered link, or gives the link back.
    ///
    /// # Errors
    /// The counts of the client are false, which ends the session.
    pub(super) fn consider(&mut self, offer: Box<dyn Any + Send>) -> Result<(), End> {
        let Ok(offer) = offer.downcast::<Offer>() else { return Ok(()) };
        let Offer { link, resume, expires, verdict } = *offer;
        let shared = &self.driver.shared;
        let takes_over = self.link.is_some();
        if let Some(link) = &self.link {
            shared.lock().protocol.note_accepted(link.accepted());
        }
        let expires = expires.map(|expires| expires.map(|end| shared.clock.at(end)));
        // The counts stand from here on: what has not been read of the old link does not exist.
        let now = shared.clock.now();
        self.driver.report_taken_in(now);
        let spread = self.driver.spread();
        let shared = &self.driver.shared;
        let resumed = match Token::new(&shared.id) {
            Some(token) => shared.with(|state| {
                let next = NextToken { secret: token.secret, text: &token.text(), spread };
                state.protocol.accept_resume(&resume, next, expires, now)
            }),
            None => Err(RefusedResume::Unknown),
        };
        match resumed {
            Ok(hello) => {
                let reason = CloseReason::us(CloseCode::TAKEN_OVER, "resumed over another link");
                self.replace_link(link, reason);
                self.driver.outgoing.push_back(hello);
                let shared = &self.driver.shared;
                shared.config.registry.session_resumed(shared, takes_over);
                self.driver.up(true, None);
                // Who offered the link may be gone: then the link is lost soon, as any other.
                let _ = verdict.send(Ok(Peer { shared: self.driver.shared.clone() }));
                Ok(())
            }
            Err(why) => {
                let end = match why {
                    RefusedResume::Unknown => None,
                    RefusedResume::Counts => {
                        Some((CloseCode::PROTOCOL, "the counts of the session are false"))
                    }
                    RefusedResume::Expired => {
                        Some((CloseCode::NOT_AUTHENTICATED, "the login has expired"))
                    }
                };
                let told = end.filter(|_| why == RefusedResume::Expired);
                let told = told.map(|(code, reason)| (code.value(), reason.into()));
                let refused =
                    RefusedSession { why: why.into(), end: told, ..RefusedSession::UNKNOWN };
                let _ = verdict.send(Err(Refused { link, refused }));
                let end = end.map(|(code, reason)| CloseReason::us(code, reason));
                end.map_or(Ok(()), |reason| Err(End::Close(reason, None)))
            }
        }
    }
}
