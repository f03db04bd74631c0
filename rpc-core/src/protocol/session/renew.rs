//! Subscriptions that are made anew when their session has ended: the same stream goes on behind a gap.

use std::time::Duration;

use crate::error::close::CloseReason;
use crate::error::object::ErrorObject;
use crate::protocol::session::Losses;
use crate::protocol::tables::calls::{ColdFields, MessageState, New, Subscribe};
use crate::protocol::tables::outbox::{Carried, Queued};
use crate::protocol::tables::streams::{Again, IncomingKey, Item};
use crate::protocol::{Outcome, Protocol};

impl<W> Protocol<W> {
    /// Lets a subscription end with its session.
    pub(crate) fn end_with_session(&mut self, stream: IncomingKey) {
        self.incoming.forget_again(stream);
    }

    /// Takes back the answers to subscribe calls that no caller has taken. The subscriptions end with their session,
    /// and nobody knows of them: the calls are made anew, as if there had been no answer.
    pub(super) fn take_back_subscriptions(&mut self) {
        let calls = &self.calls;
        let unknown = self.incoming.take_unknown(|stream, call| {
            calls.is_untaken(call, |outcome| outcome.stream() == Some(stream))
        });
        for Again { call, message, wanted, is_forwarded, .. } in unknown {
            let subscribe = (!is_forwarded).then_some(Subscribe { wanted, greeted: true });
            self.calls.reopen(call, subscribe, message);
        }
    }

    /// Ends the streams that this end takes, or registers calls that make their subscriptions anew. Returns the
    /// messages of these calls.
    pub(super) fn resubscribe(
        &mut self,
        losses: &mut Losses,
        reason: &CloseReason,
        now: Duration,
    ) -> Vec<Queued> {
        let (waiters, renewed) = self.incoming.lose_all(reason);
        self.to_wake.extend(waiters);
        losses.gaps += renewed.len() as u64;
        let deadline = now.saturating_add(self.limits.call_deadline);
        let register =
            |(stream, again): (IncomingKey, _)| self.register_renewal(stream, again, deadline);
        renewed.into_iter().map(register).collect()
    }

    /// Returns whether the call makes a subscription anew.
    pub(super) fn is_renewal(&mut self, call: u64) -> bool {
        self.calls.cold_mut(call).is_some_and(|cold| cold.renews.is_some())
    }

    fn register_renewal(
        &mut self,
        stream: IncomingKey,
        again: Again,
        deadline: Duration,
    ) -> Queued {
        let Again { call, message, wanted, is_forwarded, .. } = again;
        let cold = ColdFields {
            subscribe: Some(Subscribe { wanted, greeted: true }),
            again: Some(message.clone()),
            may_repeat: true,
            renews: Some(stream),
            ..ColdFields::default()
        };
        let (place, handler, waiter) = (MessageState::InBatch, None, None);
        let (deadline, cold) = (Some(deadline), Some(cold.into()));
        let new = New { place, deadline, handler, is_forwarded, cold, waiter };
        self.calls.register_again(call, new);
        Queued { message, calls: Carried::One(call), is_put_back: false }
    }

    /// Takes the outcome of a call that makes a subscription anew.
    #[cold]
    pub(in crate::protocol) fn renewed(
        &mut self,
        call: u64,
        stream: IncomingKey,
        outcome: Outcome,
    ) {
        let nobody = self.calls.cancel(call);
        debug_assert!(nobody.1.is_none(), "nobody waits for the call");
        let last = match outcome {
            Outcome::Subscribed(_) => return,
            Outcome::Closed(reason, _) => Item::Closed(reason),
            Outcome::Error(error) => Item::Error(error),
            Outcome::Timeout(..) => Item::Failed("the subscription was not made anew in time"),
            Outcome::Busy => Item::Error(ErrorObject::busy("calls_on_wire").into()),
            Outcome::Malformed(_)
            | Outcome::Result(_)
            | Outcome::Attached(_)
            | Outcome::Opened(_)
            | Outcome::NoStreams
            | Outcome::Unanswered(..) => Item::Failed("the subscription was not made anew"),
        };
        self.to_wake.extend(self.incoming.end(stream, Some(last), None).ok().flatten());
    }
}
