//! Resuming a session over another link, at both ends.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::{LinkStart, NextToken, Phase, Role};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::tables::outbox::Queued;
use crate::protocol::tables::receipts::Receipts;
use crate::protocol::tables::replay::FalseCount;
use crate::protocol::{Event, Expiry, Held, Protocol};
use crate::wire::session::{RefusedAs, SessionParams, SessionSaid, Subject};

/// A hello that resumes a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resume {
    pub(crate) secret: u128,
    /// `None` if the hello has none from 1 to 2^53.
    pub(crate) attempt: Option<u64>,
    /// How many messages the client has taken in; `None` if that is no integer.
    pub(crate) received: Option<u64>,
    pub(crate) buffer: usize,
    pub(crate) keep: Option<Duration>,
}

/// Why a hello does not resume a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedResume {
    /// The token or the attempt is not good any more. The session goes on as before.
    Unknown,
    /// The counts of the two ends contradict each other. The session must be ended.
    Counts,
    /// The login has ended. The session must be ended.
    Expired,
}

impl<W> Protocol<W> {
    /// Begins a link whose hello resumes the session.
    pub(super) fn ask_to_resume(&mut self, now: Duration) -> LinkStart<W> {
        let until = now.saturating_add(self.limits.handshake);
        let (window, batch, buffer) =
            (self.limits.stream_window, self.told_batch(), self.limits.queue);
        let mut hello = None;
        self.held.get_or_insert_with(Held::of_session);
        if let Some(session) = &mut self.session {
            let received = session.receiving.as_ref().map_or(0, Receipts::received);
            session.phase = Phase::Resuming;
            session.is_acknowledging = false;
            if let Role::Opens(opener) = &mut session.role {
                opener.attempt += 1;
                opener.greeted_until = Some(until);
                let subject = Subject::Resume { attempt: opener.attempt, received };
                let said =
                    SessionSaid { subject, token: &opener.token, buffer, ..SessionSaid::default() };
                hello = Some(self.hello.message(window, batch, Some(&said)));
            }
        }
        LinkStart { hello, awaits_hello: true, ended: None }
    }

    /// Takes the hello with which the server answers a hello that resumes.
    pub(super) fn resume_answered(
        &mut self,
        params: Option<&str>,
        said: Option<&SessionParams<'_>>,
        now: Duration,
    ) -> Event<'static> {
        if let Some(session) = &mut self.session
            && let Some(opener) = session.opener()
        {
            opener.greeted_until = None;
        }
        match said.filter(|said| said.is_resumed()) {
            Some(said) => self.resumed(said),
            None => self.refused(params, said, now),
        }
    }

    fn resumed(&mut self, said: &SessionParams<'_>) -> Event<'static> {
        let Some(session) = &mut self.session else { return Event::Done };
        let Some(token) = said.token() else {
            let reason = "a session is resumed without the next token";
            session.fault = Some(CloseReason::us(CloseCode::PROTOCOL, reason));
            return Event::Done;
        };
        let again = said.received().ok_or(FalseCount);
        let Ok(again) = again.and_then(|received| session.sending.begin_link(received)) else {
            let reason = "the counts of the session are false";
            session.fault = Some(CloseReason::us(CloseCode::PROTOCOL, reason));
            return Event::Done;
        };
        session.sending.push_uncounted();
        session.phase = Phase::Granted;
        session.away = None;
        let received = session.receiving.as_mut().map_or(0, |receiving| {
            receiving.set_buffer(said.buffer());
            receiving.owe();
            receiving.received()
        });
        if let Some(keep) = said.keep() {
            session.keep = keep;
        }
        let progress = [session.sending.acknowledged(), received];
        let is_replaying = !again.is_empty();
        if let Some(opener) = session.opener() {
            opener.token = token.into();
            opener.spread = said.spread().or(opener.spread);
            let (times, before) = opener.without_progress;
            let times = if is_replaying && before == progress { times + 1 } else { 0 };
            opener.without_progress = (times, progress);
        }
        self.replay(again);
        Event::Resumed
    }

    /// Queues the messages that are to be sent again, before all others.
    fn replay(&mut self, again: VecDeque<Queued>) {
        self.is_attached = true;
        self.outbox.set_limit(self.queue_limit());
        if !again.is_empty() {
            self.counters.replayed += again.len() as u64;
        }
        for queued in again.into_iter().rev() {
            self.outbox.push_front(queued);
        }
        self.acknowledge_if_due(Duration::ZERO);
    }

    /// The server does not resume the session: it ends, and another one begins on this link.
    fn refused(
        &mut self,
        params: Option<&str>,
        said: Option<&SessionParams<'_>>,
        now: Duration,
    ) -> Event<'static> {
        let reason = match said.and_then(SessionParams::end) {
            Some((code, reason)) => CloseReason::peer(Some(CloseCode::new(code)), reason),
            None => {
                let word = said.and_then(SessionParams::refused).map_or("none", RefusedAs::name);
                CloseReason::link(format!("the server does not resume the session: {word}"))
            }
        };
        let ended = self.end_session(&reason, said.and_then(SessionParams::received), now);
        self.hello.begin_link();
        self.hello.exchange();
        self.hello.note_said();
        // The hello that asked to resume has begun the session.
        self.count_anew(Phase::Asked, true);
        if let Some(session) = &mut self.session {
            session.ended = ended.map(Box::new);
        }
        self.granted(params, said);
        self.write_for_other();
        Event::SessionEnded
    }

    /// Returns whether the other end may ask how its session has ended.
    pub(crate) fn may_ask_for_end(&self) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|session| match &session.role {
            Role::Opens(_) => false,
            Role::Accepts(accepter) => accepter.is_confirmed,
        })
    }

    /// Returns how many messages were taken in of a session that has ended. `None` if the secret is not that of the
    /// session.
    pub(crate) fn taken_in_at_end(&self, secret: u128) -> Option<u64> {
        let session = self.session.as_ref()?;
        let Role::Accepts(accepter) = &session.role else { return None };
        let received = session.receiving.as_ref()?.received();
        accepter.is_good(secret).then_some(received)
    }

    /// Resumes the session of a client over another link. Returns the hello that begins the link, with the `next`
    /// token.
    /// `expires` is what was said of the end of the login that the client has shown for the link.
    ///
    /// # Errors
    /// The session is not resumed over that link.
    pub(crate) fn accept_resume(
        &mut self,
        resume: &Resume,
        next: NextToken<'_>,
        expires: Option<Expiry<Duration>>,
        now: Duration,
    ) -> Result<Bytes, RefusedResume> {
        let (window, batch) = (self.limits.stream_window, self.told_batch());
        let (buffer, longest) = (self.granted_buffer(), self.limits.session_keep);
        let stays_expired = self.stays_expired(expires, now);
        let is_open = self.ended.is_none() && self.may_be_resumed();
        let Some(session) = self.session.as_mut().filter(|_| is_open) else {
            return Err(RefusedResume::Unknown);
        };
        let Role::Accepts(accepter) = &mut session.role else { return Err(RefusedResume::Unknown) };
        let is_good = accepter.is_good(resume.secret);
        let attempt = resume.attempt.filter(|attempt| is_good && *attempt > accepter.attempt);
        let attempt = attempt.ok_or(RefusedResume::Unknown)?;
        if stays_expired {
            return Err(RefusedResume::Expired);
        }
        let received = resume.received.ok_or(RefusedResume::Counts)?;
        let again =
            session.sending.begin_link(received).map_err(|FalseCount| RefusedResume::Counts)?;
        accepter.attempt = attempt;
        accepter.secret_before = Some(resume.secret);
        accepter.secret = next.secret;
        session.sending.push_uncounted();
        session.is_acknowledging = false;
        session.away = None;
        session.keep = resume.keep.map_or(session.keep, |keep| keep.min(longest));
        let Some(receiving) = &mut session.receiving else { return Err(RefusedResume::Unknown) };
        receiving.set_buffer(resume.buffer);
        let received = receiving.tell();
        let said = SessionSaid {
            subject: Subject::Resumed { received },
            token: next.text,
            buffer,
            keep: Some(session.keep),
            spread: Some(next.spread),
        };
        let hello = self.hello.message(window, batch, Some(&said));
        if let Some(expires) = expires {
            self.set_expiry(expires);
        }
        self.outbox.drop_of_link();
        self.lose_calls_of_link();
        self.replay(again);
        Ok(hello)
    }
}

impl From<RefusedResume> for RefusedAs {
    fn from(refused: RefusedResume) -> Self {
        match refused {
            RefusedResume::Unknown => Self::Unknown,
            RefusedResume::Counts => Self::Counts,
            RefusedResume::Expired => Self::Ended,
        }
    }
}
