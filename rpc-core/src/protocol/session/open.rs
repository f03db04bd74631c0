//! The beginning of a link, at the end that opens the link.

use std::time::Duration;

use bytes::Bytes;

use super::{Opener, Phase, Role, Session};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::session::EndedSession;
use crate::protocol::tables::calls::MessageState;
use crate::protocol::tables::outbox::Carried;
use crate::protocol::tables::replay::ReplayQueue;
use crate::protocol::{Event, Held, Protocol};
use crate::wire::encode;
use crate::wire::plain::without_extensions;
use crate::wire::session::{SessionParams, SessionSaid};

/// How many bytes are kept for an end that has not shown whether it knows of sessions, before this end asks.
const UNKNOWN: usize = 64 * 1024;

/// How often in a row a session is resumed without a message getting through, before the session is given up.
const FRUITLESS: u8 = 3;

/// How a link begins.
pub(crate) struct LinkStart<W> {
    /// The hello, which is the first message of the link.
    pub(crate) hello: Option<Bytes>,
    /// Whether nothing follows the hello before the answer of the other end.
    pub(crate) awaits_hello: bool,
    /// What the session before was, if the link begins another one.
    pub(crate) ended: Option<EndedSession<W>>,
}

impl<W> Protocol<W> {
    /// Makes the connection outlive its links. If this end `asks` for it, the other end may grant a session that
    /// outlives them as well. This end says hello on each link if it `greets`, else only if the headers have shown that
    /// the other end knows a hello.
    pub(crate) fn set_outlives_links(&mut self, asks: bool, greets: bool) {
        let opener = Opener { asks, greets, ..Opener::default() };
        self.session = Some(Box::new(Session::new(Role::Opens(opener), Phase::None, 0)));
        self.is_attached = false;
    }

    /// Lets the application open each fresh session: until `open_session` nothing is sent, save for what the
    /// application does to open the session.
    pub(crate) fn set_opened_by_application(&mut self) {
        if let Some(opener) = self.session.as_mut().and_then(|session| session.opener()) {
            opener.is_opened_by_application = true;
        }
    }

    /// Returns whether the next link is to resume the session. A session of which no message gets through is given up:
    /// a middlebox does not let the message pass.
    pub(crate) fn wants_to_resume(&self) -> bool {
        let is_fruitless = self.session.as_ref().is_some_and(|session| match &session.role {
            Role::Opens(opener) => opener.without_progress.0 >= FRUITLESS,
            Role::Accepts(_) => false,
        });
        self.outlives_links() && self.may_be_resumed() && !is_fruitless
    }

    /// Returns the time over which the first attempts to reconnect are to be spread, if the server has said so.
    pub(crate) fn spread(&self) -> Option<Duration> {
        match &self.session.as_ref()?.role {
            Role::Opens(opener) => opener.spread,
            Role::Accepts(_) => None,
        }
    }

    /// Begins a link that this end has opened. The headers of the handshake have told whether the other end
    /// `is_known`. `reason` is why the session ends that cannot be resumed over this link.
    pub(crate) fn begin_link(
        &mut self,
        is_known: bool,
        now: Duration,
        reason: &CloseReason,
    ) -> LinkStart<W> {
        if is_known && self.wants_to_resume() {
            return self.ask_to_resume(now);
        }
        let ended = self.end_session(reason, None, now);
        let hello = self.begin_session(is_known);
        LinkStart { hello, awaits_hello: false, ended }
    }

    /// Begins a fresh session on a link. Returns the hello.
    fn begin_session(&mut self, is_known: bool) -> Option<Bytes> {
        let (window, batch, buffer) =
            (self.limits.stream_window, self.told_batch(), self.limits.queue);
        self.hello.begin_link();
        // What waits may have been written for the peer behind another link.
        self.write_for_other();
        if is_known {
            self.hello.exchange();
        } else {
            self.outbox.rewrite(|message| without_extensions(message));
            self.rewrite_parked(|message| without_extensions(message));
        }
        let opener = self.session.as_mut()?.opener()?;
        let (asks, says) = (opener.asks, is_known || opener.greets);
        let said = SessionSaid { buffer, ..SessionSaid::default() };
        let said = asks.then_some(said);
        let hello = if says { self.hello.say_with(window, batch, said) } else { None };
        let phase = if asks && says { Phase::Asked } else { Phase::None };
        self.count_anew(phase, hello.is_some());
        self.say_mutes_first();
        if let Some(opener) = self.session.as_mut().and_then(|session| session.opener()) {
            opener.may_ping = phase == Phase::Asked && !is_known;
        }
        if phase == Phase::Asked {
            self.held.get_or_insert_with(Held::of_session);
        }
        hello
    }

    /// Asks the other end for any answer, once, if much is `kept` for a session of which the other end has said
    /// nothing: a hello or a response shows whether there is a session.
    #[cold]
    pub(super) fn ping_if_unknown(&mut self, kept: usize) {
        let is_much = kept >= UNKNOWN.min(self.limits.queue);
        let session = self.session.as_mut().filter(|session| session.phase == Phase::Asked);
        let Some(opener) = session.filter(|_| is_much).and_then(|session| session.opener()) else {
            return;
        };
        if std::mem::take(&mut opener.may_ping) {
            let id = self.issue_id();
            self.outbox.push(encode::ping(id), Carried::None);
        }
    }

    /// Counts the messages of a fresh session, which begins with the link or behind the hello that the link was given.
    pub(super) fn count_anew(&mut self, phase: Phase, has_said_hello: bool) {
        self.is_attached = true;
        let Some(session) = &mut self.session else { return };
        session.is_begun = true;
        session.phase = phase;
        session.away = None;
        session.receiving = None;
        session.sending = ReplayQueue::new(0);
        if has_said_hello {
            session.sending.push_uncounted();
        }
        if let Some(opener) = session.opener() {
            opener.attempt = 0;
            opener.token = Box::default();
            if opener.is_opened_by_application {
                self.outbox.hold();
            }
        }
    }

    /// Sends what was held back, when the application has opened the session.
    pub(crate) fn open_session(&mut self) {
        let calls = &mut self.calls;
        self.outbox.release(|carried, ticket| {
            if let [id] = carried.ids()
                && let Some(call) = calls.open_mut(*id)
                && matches!(call.place, MessageState::Queued(_))
            {
                call.place = MessageState::Queued(ticket);
            }
        });
    }

    /// Returns whether the session depends on the first message of the other end.
    pub(in crate::protocol) fn session_awaits_hello(&self) -> bool {
        let is_unheard = self.hello.window().is_none();
        self.session.as_ref().is_some_and(|session| match session.phase {
            Phase::Asked => is_unheard,
            Phase::Resuming => true,
            Phase::None | Phase::Granted => false,
        })
    }

    /// Takes note of a message that comes before the hello of the other end. Returns whether the message must not come
    /// before the hello. A response shows that no hello will come.
    pub(in crate::protocol) fn heard_before_hello(&mut self, is_response: bool) -> bool {
        let Some(session) = &mut self.session else { return false };
        if session.phase == Phase::Resuming {
            let reason = "something else than `$/hello` answers a hello that resumes";
            session.fault = Some(CloseReason::us(CloseCode::PROTOCOL, reason));
            return true;
        }
        if is_response {
            self.no_session();
        }
        false
    }

    /// Takes a hello that concerns the session. Returns `None` if the hello says what it says without a session.
    pub(in crate::protocol) fn greeted_in_session(
        &mut self,
        params: Option<&str>,
        said: Option<&SessionParams<'_>>,
        now: Duration,
    ) -> Option<Event<'static>> {
        let session = self.session.as_mut()?;
        match session.phase {
            Phase::Granted => {
                session.uncounted += 1;
                return Some(Event::Done);
            }
            Phase::Resuming => {
                let event = self.resume_answered(params, said, now);
                self.end_waiting_for_hello();
                return Some(event);
            }
            Phase::Asked => {}
            Phase::None => return None,
        }
        self.granted(params, said);
        self.end_waiting_for_hello();
        Some(Event::Greeted)
    }

    /// Takes the session that has ended, when another one has taken its place.
    pub(crate) fn take_ended_session(&mut self) -> Option<Box<EndedSession<W>>> {
        self.session.as_mut()?.ended.take()
    }
}
