//! The end of a connection, in good order or not.

use std::task::{Context, Poll};
use std::time::Duration;

use super::driver::Driver;
use super::link::Link;
use super::link::Muted;
use super::take_over::Offer;
use super::{Connection, Draining, End, Phase};
use crate::error::close::{CloseReason, ClosedBy};
use crate::peer::Peer;
use crate::stream::StreamEnd;
use crate::util::catch::drop_quietly;
use crate::util::waiter::Waiter;

/// A close that is under way.
pub(super) struct Closing {
    reason: CloseReason,
    until: Duration,
}

impl Closing {
    /// Returns when the close is over at the latest.
    pub(super) fn until(&self) -> Duration {
        self.until
    }
}

impl Connection {
    /// Begins a close: callers hear the reason, and handlers are dropped. Finished answers and the close follow.
    pub(super) fn begin_closing(&mut self, reason: CloseReason, within: Option<Duration>) {
        self.report_last();
        let shared = &self.driver.shared;
        let longest = shared.config.limits.close;
        let within = within.map_or(longest, |within| within.min(longest));
        let until = shared.clock.now() + within;
        let mut state = shared.lock();
        if reason.peer_stopped_reading() {
            // The transport gets nothing more.
            state.protocol.take_back(self.driver.outgoing.len());
            self.driver.outgoing.clear();
        }
        if reason.is_planned() {
            state.protocol.interrupt(reason.code);
        }
        // Nothing comes that would let on what waits for the first message of the other end.
        let muted = self.link.as_mut().and_then(|link| link.muted.take());
        let is_resuming = matches!(muted, Some(Muted::UntilAnswer));
        if self.link.is_none() {
            // What the link before did not accept is not sent any more.
            state.protocol.link_lost(0);
        }
        let unanswered = state.protocol.end(&reason);
        if reason.peer_stopped_reading() || is_resuming {
            state.protocol.discard();
        }
        drop(state);
        unanswered.into_iter().for_each(drop_quietly);
        self.phase = Phase::Closing(Closing { reason, until }.into());
        self.driver.drop_handlers();
    }

    /// The other end sends nothing more: what it has asked for is answered, and then the connection closes.
    ///
    /// # Errors
    /// The connection outlives its links, and this one is over.
    #[cold]
    pub(super) fn input_ended(&mut self, now: Duration) -> Result<(), End> {
        self.driver.input_ended = false;
        let reason = CloseReason::peer(None, String::new());
        let mut state = self.driver.shared.lock();
        if state.protocol.outlives_links() {
            return Err(End::Fault(reason));
        }
        state.protocol.on_input_ended(&reason);
        drop(state);
        if matches!(self.phase, Phase::Open) {
            let until = now.saturating_add(self.driver.shared.config.limits.grace);
            self.phase = Phase::Draining(Draining { until, reason }.into());
        }
        Ok(())
    }

    pub(super) fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let Phase::Closing(closing) = &self.phase else {
            return Poll::Pending;
        };
        let Closing { reason, until } = &**closing;
        let (reason, late) = (reason.clone(), self.driver.shared.clock.now() >= *until);
        if late || self.finish_sending(cx, &reason).is_ready() {
            return Poll::Ready(self.over(reason));
        }
        Poll::Pending
    }

    /// Sends the finished answers and then the close. Ready when there is nothing more to be done.
    fn finish_sending(&mut self, cx: &mut Context<'_>, reason: &CloseReason) -> Poll<()> {
        let now = self.driver.shared.clock.now();
        if self.send(cx, now).is_err() {
            return Poll::Ready(());
        }
        let Some(link) = &mut self.link else { return Poll::Ready(()) };
        // A transport cuts short what is half out; only an end that does not read leaves no choice.
        let unfinished = link.unflushed && !reason.peer_stopped_reading();
        let is_sent =
            self.driver.outgoing.is_empty() && self.driver.shared.lock().protocol.is_sent();
        if unfinished || !is_sent {
            return Poll::Pending;
        }
        link.poll_close(cx, reason)
    }

    /// Ends the connection: the transport does not work any more.
    pub(super) fn lose(&mut self, reason: CloseReason) -> CloseReason {
        self.report_last();
        let mut state = self.driver.shared.lock();
        // It may have been closing already, for another reason.
        let reason = state.protocol.ended().cloned().unwrap_or(reason);
        state.protocol.link_lost(self.link.as_ref().map_or(0, Link::accepted));
        let unanswered = state.protocol.end(&reason);
        drop(state);
        unanswered.into_iter().for_each(drop_quietly);
        self.driver.drop_handlers();
        self.over(reason)
    }

    /// Tells the protocol of the messages that were read in a turn that did not reach its end: whoever asks how the
    /// session has ended must not send them again.
    fn report_last(&mut self) {
        let now = self.driver.shared.clock.now();
        self.driver.report_taken_in(now);
    }

    fn over(&mut self, reason: CloseReason) -> CloseReason {
        self.phase = Phase::Closed;
        let shared = &self.driver.shared;
        tracing::debug!(peer = %shared.id, reason = reason.to_string(), "connection ended");
        let is_asked_for = shared.lock().protocol.may_ask_for_end();
        if is_asked_for && reason.by != ClosedBy::Peer {
            shared.config.registry.remember_ended(shared);
        }
        // First: code that hears of the end must not find the peer in the registry.
        shared.config.registry.remove(shared, &reason);
        shared.with(|state| state.protocol.discard());
        let given_back = shared.lock().protocol.take_given_back();
        shared.config.registry.windows().give_back(given_back);
        let offers = shared.finish(&reason);
        let peer = Peer { shared: shared.clone() };
        offers.into_iter().for_each(|offer| Offer::refuse(offer, &peer));
        reason
    }
}

impl Driver {
    /// Drops handlers without the lock, because handlers drop calls, and wakes all that waited.
    fn drop_handlers(&mut self) {
        self.handlers.clear();
        let ended = self.shared.lock().protocol.ended().cloned();
        let end = ended.map_or(StreamEnd::Stopped, |reason| StreamEnd::Closed { reason });
        self.streams.clear(&end);
        let waiting = self.returned.drain(..).chain(self.woken.drain(..));
        waiting.for_each(drop_quietly);
        let mut state = self.shared.lock();
        let arguments = std::mem::take(&mut state.arguments);
        let to_wake = std::mem::take(&mut state.protocol.to_wake);
        drop(state);
        arguments.into_iter().for_each(|argument| argument.end(&end));
        to_wake.into_iter().for_each(Waiter::notify);
    }
}
