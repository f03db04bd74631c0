//! The end of a session, at the end that outlives it: what goes on in the next session, and what is lost.

use std::collections::VecDeque;
use std::time::Duration;

use super::Phase;
use crate::error::call::Fate;
use crate::error::close::{CloseCode, CloseReason};
use crate::protocol::tables::calls::MessageState;
use crate::protocol::tables::outbox::{Carried, Queued};
use crate::protocol::tables::streams::OutgoingKey;
use crate::protocol::{Outcome, Parked, Protocol};

/// A session that has ended while the connection goes on.
pub(crate) struct EndedSession<W> {
    pub(crate) reason: CloseReason,
    pub(crate) losses: Losses,
    /// Streams of this end that have ended.
    pub(crate) streams: Vec<OutgoingKey>,
    /// Waiters that get no answer any more, to be dropped without the lock.
    pub(crate) unanswered: Vec<W>,
}

/// What was lost with a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Calls that ended with the session.
    pub(crate) calls: u64,
    /// Notifications that may not have arrived.
    pub(crate) notifications: u64,
    /// Streams that have a gap.
    pub(crate) gaps: u64,
}

/// What becomes of the messages of a session that ends.
struct Settlement<'a> {
    reason: &'a CloseReason,
    /// Whether the first message that could be sent again is not, since the end of the link blames a message.
    is_blamed: bool,
    /// The messages for the next session, in order.
    next: Vec<Queued>,
    losses: Losses,
}

impl<W> Protocol<W> {
    /// Ends the session, if there is one, and keeps what goes on in the next session: messages that the other end
    /// certainly has not taken in, and calls that may run twice. `received` is how many messages the other end says to
    /// have taken in, if it says so. All other calls fail by their fate; handlers of the other end's calls must be
    /// stopped.
    pub(crate) fn end_session(
        &mut self,
        reason: &CloseReason,
        received: Option<u64>,
        now: Duration,
    ) -> Option<EndedSession<W>> {
        let session = self.session.as_mut().filter(|session| session.is_begun)?;
        session.is_begun = false;
        session.phase = Phase::None;
        (session.receiving, session.away, session.fault) = (None, None, None);
        (session.uncounted, session.is_acknowledging) = (0, false);
        if let Some(opener) = session.opener() {
            (opener.greeted_until, opener.token) = (None, Box::default());
            opener.without_progress = Default::default();
        }
        let (first, mut numbered, to_replay) = session.sending.end();
        self.outbox.drop_of_link();
        self.outbox.set_backlog(0);
        let mut unnumbered: VecDeque<_> = self.outbox.take_all().into();
        // If the application has not opened this session, it opens the next one, from the beginning.
        self.open_session();
        numbered.extend(unnumbered.drain(..to_replay as usize));

        let (is_blamed, next, losses) = (reason.blames_message(), Vec::new(), Losses::default());
        let mut settlement = Settlement { reason, is_blamed, next, losses };
        for (number, queued) in (first..).zip(numbered) {
            let sending = self.session.as_ref().map(|session| &session.sending);
            let is_taken_in =
                sending.is_none_or(|sending| !sending.is_not_taken_in(number, received));
            self.settle(queued, is_taken_in, &mut settlement);
        }
        self.take_back_subscriptions();
        for id in self.calls.open_ids() {
            if self.is_in_flight(id) {
                self.settle_call(id, &mut settlement);
            }
        }
        settlement.next.extend(self.resubscribe(&mut settlement.losses, reason, now));
        settlement
            .next
            .extend(unnumbered.into_iter().filter(|queued| queued.calls.outlives_session()));
        let Settlement { next, losses, .. } = settlement;
        next.into_iter().for_each(|queued| self.queue_again(queued));
        let (streams, unanswered) = self.forget_session();
        Some(EndedSession { reason: reason.clone(), losses, streams, unanswered })
    }

    /// Decides on a message that has a number.
    fn settle(&mut self, mut queued: Queued, is_taken_in: bool, settlement: &mut Settlement<'_>) {
        let may_be_put_back = !is_taken_in
            && queued.calls.outlives_session()
            && !queued.is_put_back
            && !self.has_streams(&queued.calls)
            && !std::mem::take(&mut settlement.is_blamed);
        match &queued.calls {
            Carried::None | Carried::Hello | Carried::Ack => {}
            Carried::One(id) if self.calls.open_mut(*id).is_none() => {}
            _ if may_be_put_back => {
                queued.is_put_back = true;
                self.put_back(queued, settlement);
            }
            Carried::Notification | Carried::Notifications => settlement.losses.notifications += 1,
            Carried::One(id) if is_taken_in || (queued.is_put_back && self.is_renewal(*id)) => {
                self.settle_call(*id, settlement);
            }
            Carried::One(_) | Carried::Many(_) | Carried::Again(_) => {
                let fate = if is_taken_in { Fate::MaybeExecuted } else { Fate::NotSent };
                for id in queued.calls.ids() {
                    self.lose_call(*id, fate, settlement);
                }
            }
        }
    }

    /// Decides on a call that the other end may have taken in.
    fn settle_call(&mut self, id: u64, settlement: &mut Settlement<'_>) {
        let cold = self.calls.cold_mut(id).filter(|cold| cold.may_repeat);
        let again = cold.and_then(|cold| {
            cold.may_have_run = true;
            cold.again.clone()
        });
        match again {
            Some(message) => {
                let (calls, is_put_back) = (Carried::One(id), false);
                self.put_back(Queued { message, calls, is_put_back }, settlement);
            }
            None => self.lose_call(id, Fate::MaybeExecuted, settlement),
        }
    }

    /// Keeps a message for the next session. The calls in it are not in flight any more, so that nothing else is
    /// decided on them.
    fn put_back(&mut self, queued: Queued, settlement: &mut Settlement<'_>) {
        for id in queued.calls.ids() {
            if let Some(call) = self.calls.open_mut(*id) {
                call.place = MessageState::InBatch;
            }
        }
        settlement.next.push(queued);
    }

    fn lose_call(&mut self, id: u64, fate: Fate, settlement: &mut Settlement<'_>) {
        if self.calls.open_mut(id).is_some() {
            settlement.losses.calls += 1;
            let fate = self.fate(id, fate);
            self.resolve(id, Outcome::Closed(settlement.reason.clone().into(), fate));
        }
    }

    /// Returns whether streams go with a call: their items were consumed, so that the call cannot be made again.
    fn has_streams(&mut self, calls: &Carried) -> bool {
        match calls {
            Carried::One(id) => !self.streams_of(*id).is_empty(),
            _ => false,
        }
    }

    /// Queues a message for the next session. A call with streams waits for the hello of the other end.
    fn queue_again(&mut self, queued: Queued) {
        let Carried::One(id) = queued.calls else {
            self.outbox.push_again(queued);
            return;
        };
        let place = if self.streams_of(id).is_empty() {
            MessageState::Queued(self.outbox.push_again(queued))
        } else {
            self.hold_for_hello(id, true);
            MessageState::Parked(queued.message)
        };
        if let Some(call) = self.calls.open_mut(id) {
            call.place = place;
        }
    }

    /// Empties the tables of all that belonged to the session. Returns the streams of this end that have ended, and the
    /// waiters that get no answer any more.
    fn forget_session(&mut self) -> (Vec<OutgoingKey>, Vec<W>) {
        let streams = self.outgoing.remove_subscriptions();
        self.drop_notifications();
        self.forget_mutes();
        self.clear_permit_watchers();
        let mut unanswered = self.batches.drain();
        let (watchers, after) = self.serving.drain();
        self.to_wake.extend(watchers);
        unanswered.extend(after);
        self.released.clear();
        (self.unreported, self.early, self.unanswered, self.abandonments) =
            (None, None, None, None);
        (self.above_since, self.paused_since, self.stall) = (None, None, None);
        self.cancels = false;
        self.calls.forget_given_up();
        self.on_wire = self.outbox.calls();
        self.outbox.set_limit(self.grown_queue_limit());
        self.is_attached = false;
        for parked in std::mem::take(&mut self.parked) {
            match parked {
                Parked::Call(id) if !self.streams_of(id).is_empty() => {
                    self.hold_for_hello(id, false)
                }
                other => self.parked.push_back(other),
            }
        }
        // The calls that have ended leave room on the wire, and no answer will tell of that.
        self.unpark();
        (streams, unanswered)
    }
}

impl CloseReason {
    /// Returns whether the link was closed because of a message that was sent over it.
    fn blames_message(&self) -> bool {
        use CloseCode as Code;
        let blames =
            [Code::PROTOCOL, Code::UNSUPPORTED, Code::INVALID_TEXT, Code::POLICY, Code::TOO_BIG];
        self.by == crate::error::close::ClosedBy::Peer
            && self.code.is_some_and(|code| blames.contains(&code))
    }
}
