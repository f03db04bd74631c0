//! A link that announced a resume: its first message decides which connection gets the link.

use std::any::Any;
use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::oneshot;

use super::endpoint::Endpoint;
use super::link::Link;
use super::receive::first_text;
use super::take_over::{Offer, Refused, RefusedSession};
use super::{Connection, End};
use crate::error::close::{CloseCode, CloseReason};
use crate::peer::Peer;
use crate::protocol::Expiry;
use crate::protocol::session::Resume;
use crate::transport::{Received, Transport};
use crate::util::runtime::{Instant, timeout};
use crate::util::sync::Arc;
use crate::util::token::Token;
use crate::wire::decode::{self, Incoming, Payload};
use crate::wire::hello::session_said;

/// The most bytes that are read at once.
const ALLOWANCE: usize = 64 * 1024;

/// What has become of a link, as [`Endpoint::accept`] returns.
#[derive(Debug)]
#[must_use = "a connection lives only while it is polled"]
pub enum Accepted {
    /// The link begins a connection.
    Fresh(Box<Connection>),
    /// The link resumes the session of this peer, whose connection goes on. The endpoint is gone.
    Resumed(Peer),
}

impl Endpoint {
    /// Takes a `transport` whose client has announced that it may resume a session. The first message decides: either
    /// the link goes to the connection whose session the client resumes, or the link begins a connection, as with
    /// [`connect`](Self::connect). Nothing is sent before the first message.
    ///
    /// `is_same` tells whether the caller of a session, the first peer, is the caller of this link, the second peer. If
    /// not, the session is not touched, and the client begins another one. `is_same` is also called for tokens that
    /// turn out to be wrong.
    ///
    /// If no message comes within [`handshake`](crate::Limits::handshake), or the link breaks, the result is a
    /// connection all the same: it ends as soon as it is polled.
    ///
    /// Cancel safe in the sense that nothing is left behind: if the future is dropped, the link and the endpoint are.
    pub async fn accept<T: Transport>(
        self,
        mut transport: T,
        is_same: impl FnOnce(&Peer, &Peer) -> bool,
    ) -> Accepted {
        let time = self.limits().handshake;
        let first = timeout(time, first_message(&mut transport)).await;
        let text = match first {
            Ok(First::Text(text)) => text,
            Ok(First::Ended(end)) => return self.connect_and_end(transport, end),
            Err(_) => {
                let reason = "no message came within `handshake`";
                let reason = CloseReason::us(CloseCode::POLICY, reason);
                return self.connect_and_end(transport, reason.into());
            }
        };
        let peer = self.peer();
        let link = Link::new(transport, &peer.shared);
        let (session, asking) = match self.session_of(&text, &peer, is_same) {
            Ok(found) => found,
            Err(refused) => return self.connect_behind(link, text, refused),
        };
        let (verdict, decided) = oneshot::channel();
        let offer: Box<dyn Any + Send> =
            Box::new(Offer { link, resume: asking.resume, expires: asking.expires, verdict });
        if let Err(offer) = session.shared.offer(offer) {
            Offer::refuse(offer, &session);
        }
        // A session that ends meanwhile is to be held only by those who remember it.
        drop(session);
        match decided.await {
            Ok(Ok(session)) => Accepted::Resumed(session),
            Ok(Err(Refused { link, refused })) => self.connect_behind(link, text, refused),
            Err(_) => self.end_without_link(),
        }
    }

    /// Returns the session that the first message asks to resume, if there is one and its caller is the same.
    ///
    /// # Errors
    /// There is no such session any more, or never was.
    fn session_of(
        &self,
        text: &str,
        peer: &Peer,
        is_same: impl FnOnce(&Peer, &Peer) -> bool,
    ) -> Result<(Peer, Asking), RefusedSession> {
        let shared = &peer.shared;
        let asking = self.asked_for(text, peer).ok_or(RefusedSession::UNKNOWN)?;
        let lookup = &asking.lookup;
        let registry = &shared.config.registry;
        let session = registry.peer(lookup).or_else(|| registry.ended_peer(lookup));
        let session = session
            .filter(|session| !Arc::ptr_eq(&session.shared, shared) && is_same(session, peer));
        let session = session.ok_or(RefusedSession::UNKNOWN)?;
        match RefusedSession::ended(&session, asking.resume.secret) {
            Some(ended) => Err(ended),
            None => Ok((session, asking)),
        }
    }

    /// Returns what the first message asks to resume: the part of the token that is looked up, and the rest.
    fn asked_for(&self, text: &str, peer: &Peer) -> Option<Asking> {
        let shared = &peer.shared;
        let rules = shared.rules(&self.limits());
        let Payload::Single(Incoming::Notification(hello)) = decode::decode(text, &rules) else {
            return None;
        };
        let said = session_said(hello.params.filter(|_| hello.method == "$/hello"))?;
        let token = Token::parse(said.token()?)?;
        let expires = shared.lock().protocol.expiry();
        let resume = Resume {
            secret: token.secret,
            attempt: said.attempt(),
            received: said.received(),
            buffer: said.buffer(),
            keep: said.keep(),
        };
        let expires = expires.map(|expires| expires.map(|end| shared.clock.instant(end)));
        Some(Asking { lookup: token.lookup.into(), resume, expires })
    }

    /// Makes the connection of a link whose first message was read. If the message asks for a session, handlers wait
    /// until the client knows of the session: the link may have been given up long ago.
    fn connect_behind(mut self, link: Link, text: String, refused: RefusedSession) -> Accepted {
        let peer = self.take_peer();
        let registry = peer.shared.config.registry.clone();
        let has_name = registry.settle_name(&peer.shared).is_ok();
        let mut connection = Connection::new(peer.shared);
        connection.link = Some(link);
        if !has_name {
            let reason = CloseReason::us(CloseCode::TRY_LATER, "another connection has the name");
            connection.begin_closing(reason, None);
            return Accepted::Fresh(connection.into());
        }
        connection.driver.refusal = Some(refused.into());
        connection.driver.shared.lock().commands.get_or_insert_default().first = Some(text.into());
        Accepted::Fresh(connection.into())
    }

    /// Makes the connection of a link that was dropped by the one that it was offered to.
    fn end_without_link(mut self) -> Accepted {
        let mut connection = Connection::new(self.take_peer().shared);
        drop(connection.lose(CloseReason::link("the link was dropped with the session")));
        Accepted::Fresh(connection.into())
    }

    /// Makes the connection of a link that has ended, or is to be closed.
    fn connect_and_end<T: Transport>(mut self, transport: T, end: End) -> Accepted {
        let peer = self.take_peer();
        let link = Link::new(transport, &peer.shared);
        let mut connection = Connection::new(peer.shared);
        connection.link = Some(link);
        match end {
            End::Close(reason, _) | End::Fault(reason) => connection.begin_closing(reason, None),
            End::Lost(reason) => drop(connection.lose(reason)),
        }
        Accepted::Fresh(connection.into())
    }
}

/// What the first message of a link asks for.
struct Asking {
    /// The part of the token that is looked up.
    lookup: Box<str>,
    resume: Resume,
    /// What was said of the end of the login that the client has shown for this link.
    expires: Option<Expiry<Instant>>,
}

/// The first message of a link, or its end.
enum First {
    Text(String),
    Ended(End),
}

async fn first_message<T: Transport>(transport: &mut T) -> First {
    poll_fn(|cx| match transport.poll_receive(cx, ALLOWANCE) {
        Poll::Ready(received @ (Received::Text | Received::Binary)) => {
            Poll::Ready(match first_text(transport, &received) {
                Ok(text) => First::Text(text.to_owned()),
                Err(violation) => First::Ended(violation.into()),
            })
        }
        Poll::Ready(Received::Closed { code, reason }) => {
            Poll::Ready(First::Ended(CloseReason::peer(code, reason).into()))
        }
        Poll::Ready(Received::Ended) => {
            Poll::Ready(First::Ended(CloseReason::peer(None, String::new()).into()))
        }
        Poll::Ready(Received::Failed(error)) => Poll::Ready(First::Ended(error.into())),
        Poll::Pending => {
            // The transport may have something to send by itself, such as a pong.
            let _ = transport.poll_flush(cx);
            Poll::Pending
        }
    })
    .await
}
