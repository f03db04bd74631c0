//! What is counted, acknowledged and kept while a session has a link.

use std::time::Duration;

use bytes::Bytes;

use super::{Phase, Role, Session};
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::tables::outbox::{Carried, Queued};
use crate::protocol::tables::replay::Acknowledged;
use crate::protocol::{Event, Protocol};
use crate::wire::session::{ack, is_of_link, read_ack};

impl<W> Session<W> {
    /// Keeps a message that counts. Returns the message, and its number if it is new.
    #[inline]
    pub(in crate::protocol) fn keep(&mut self, queued: Queued) -> (Bytes, Option<u64>) {
        let message = queued.message.clone();
        (message, self.sending.push(queued))
    }
}

impl<W> Protocol<W> {
    /// Counts a message that the link is given now, and keeps it. Returns the message, and its number if it is new.
    pub(in crate::protocol) fn send_counted(&mut self, queued: Queued) -> (Bytes, Option<u64>) {
        let Some(session) = &mut self.session else { return (queued.message, None) };
        let is_of_link = match queued.calls {
            Carried::Ack => {
                session.is_acknowledging = false;
                session.sending.push_uncounted();
                let n = session.receiving.as_mut().map_or(0, |receiving| receiving.tell());
                return (ack(n), None);
            }
            Carried::Hello => true,
            // The application may send any notification. What counts is decided by the text alone.
            Carried::Notification => is_of_link(&queued.message),
            _ => false,
        };
        if is_of_link {
            session.sending.push_uncounted();
            return (queued.message, None);
        }
        session.keep(queued)
    }

    /// Counts messages that came over the link and were taken in, with their text of `bytes` together.
    pub(crate) fn on_taken_in(&mut self, messages: u64, bytes: usize, now: Duration) {
        let Some(session) = &mut self.session else { return };
        let messages = messages.saturating_sub(std::mem::take(&mut session.uncounted));
        if let Some(receiving) = &mut session.receiving {
            receiving.take_in(messages, bytes, now);
        }
        self.acknowledge_if_due(now);
    }

    /// Queues an acknowledgement, if one is due. Like cancels, acknowledgements wait for no room.
    pub(in crate::protocol) fn acknowledge_if_due(&mut self, now: Duration) {
        let after = self.limits.ack_after;
        let Some(session) = self.session.as_mut().filter(|session| session.phase == Phase::Granted)
        else {
            return;
        };
        let is_due =
            session.receiving.as_ref().is_some_and(|receiving| receiving.is_due(now, after));
        if is_due && self.is_attached && !session.is_acknowledging {
            session.is_acknowledging = true;
            self.outbox.push_ack();
        }
    }

    /// Sets what counts as sent and not read, and moves waiting messages into the queue while there is room.
    /// `accepted` is how many messages of the link the medium accepted, if that is known better than before. What may be
    /// sent and not acknowledged grows by as much as `lend` returns of what is wanted.
    pub(crate) fn on_sent_counted(
        &mut self,
        accepted: Option<u64>,
        backlog: usize,
        now: Duration,
        lend: impl FnOnce(usize) -> usize,
    ) {
        let mut takes = backlog;
        if let Some(session) = &mut self.session {
            if let Some(accepted) = accepted {
                session.sending.on_accepted(accepted);
            }
            if session.phase == Phase::None {
                session.sending.forget_accepted();
            } else {
                takes = session.sending.takes();
                session.sending.unacknowledged_since(now);
                if session.phase == Phase::Asked {
                    self.ping_if_unknown(takes);
                }
            }
        }
        self.resize_window(now, lend);
        self.on_sent(takes, now);
    }

    /// Takes an acknowledgement of the other end.
    pub(in crate::protocol) fn acknowledged<'a>(&mut self, params: Option<&str>) -> Event<'a> {
        let Some(session) = self.session.as_mut().filter(|session| session.is_granted()) else {
            return Event::Done;
        };
        session.uncounted += 1;
        let before = session.sending.takes();
        let acknowledged = read_ack(params).map(|n| session.sending.acknowledge(n));
        let acknowledged_bytes = before - session.sending.takes();
        session.window.acknowledge(acknowledged_bytes, !self.outbox.has_room());
        let Some(Ok(acknowledged)) = acknowledged else {
            session.fault = Some(CloseReason::us(CloseCode::PROTOCOL, "a false acknowledgement"));
            return Event::Done;
        };
        self.outbox.set_backlog(session.sending.takes());
        if self.outbox.has_room() {
            // The other end reads, even if results that wait take the room at once.
            self.above_since = None;
        }
        let mut was_held = false;
        if let Role::Accepts(accepter) = &mut session.role {
            accepter.secret_before = None;
            accepter.is_confirmed = true;
            was_held = std::mem::take(&mut accepter.is_held);
        }
        if acknowledged == Acknowledged::Less {
            self.stray();
        }
        if was_held {
            self.release_handlers();
            return Event::Confirmed;
        }
        Event::Done
    }

    /// Returns the reason to close the link, if the other end has broken the rules of sessions or acknowledges
    /// nothing, or to end a session that was away for too long.
    #[inline(always)] // most connections have no session, and ask in each turn
    pub(in crate::protocol) fn session_overdue(
        &mut self,
        now: Duration,
        is_over: bool,
    ) -> Option<CloseReason> {
        if self.session.is_some() { self.overdue_of_session(now, is_over) } else { None }
    }

    #[cold]
    fn overdue_of_session(&mut self, now: Duration, is_over: bool) -> Option<CloseReason> {
        let (within, dead_after) = (self.limits.ack_within, self.limits.dead_after);
        let is_attached = self.is_attached;
        let session = self.session.as_mut()?;
        if session.fault.is_some() {
            return session.fault.take();
        }
        if !is_over {
            return None;
        }
        if is_attached
            && session.is_granted()
            && session.sending.marked_since().is_some_and(|since| now >= since + within)
        {
            return Some(CloseReason::us(CloseCode::SLOW_READER, "acknowledges nothing"));
        }
        let kept_until = super::kept_until(session, dead_after);
        if let Some(opener) = session.opener()
            && opener.greeted_until.is_some_and(|until| now >= until)
        {
            opener.greeted_until = None;
            return Some(CloseReason::us(CloseCode::LINK_GIVEN_UP, "no hello in time"));
        }
        kept_until
            .filter(|until| now >= *until)
            .map(|_| CloseReason::link("the session was away for too long"))
    }
}
