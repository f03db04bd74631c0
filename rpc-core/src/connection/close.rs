//! The end of a connection, in good order or not.

use std::task::{Context, Poll};
use std::time::Duration;

use super::{Connection, Phase};
use crate::error::close::{CloseCode, CloseReason};
use crate::stream::StreamEnd;
use crate::transport::Transport;
use crate::util::catch::drop_quietly;
use crate::util::waiter::Waiter;

/// A close that is under way.
pub(super) struct Closing {
    reason: CloseReason,
    until: Duration,
}

impl Closing {
    /// When it is over at the latest.
    pub(super) fn until(&self) -> Duration {
        self.until
    }
}

impl<T: Transport> Connection<T> {
    /// Callers hear why, handlers are dropped; finished answers and the close are still to be sent.
    pub(super) fn begin_closing(&mut self, reason: CloseReason, within: Option<Duration>) {
        let longest = self.shared.config.limits.close;
        let within = within.map_or(longest, |within| within.min(longest));
        let until = self.shared.clock.now() + within;
        let mut state = self.shared.lock();
        if reason.peer_stopped_reading() {
            // What the transport was not given, it will not be.
            let given = state.protocol.sent() - self.outgoing.len() as u64;
            state.protocol.link_lost(given);
            self.outgoing.clear();
        }
        if reason.is_planned() {
            state.protocol.interrupt(reason.code);
        }
        let unanswered = state.protocol.end(&reason);
        if reason.peer_stopped_reading() {
            state.protocol.discard();
        }
        drop(state);
        unanswered.into_iter().for_each(drop_quietly);
        self.phase = Phase::Closing(Closing { reason, until }.into());
        self.drop_handlers();
    }

    pub(super) fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let Phase::Closing(closing) = &self.phase else {
            return Poll::Pending;
        };
        let Closing { reason, until } = &**closing;
        let (reason, late) = (reason.clone(), self.shared.clock.now() >= *until);
        if late || self.finish_sending(cx, &reason).is_ready() {
            return Poll::Ready(self.over(reason));
        }
        Poll::Pending
    }

    /// Sends what is left and then the close; ready when there is nothing more to be done.
    fn finish_sending(&mut self, cx: &mut Context<'_>, reason: &CloseReason) -> Poll<()> {
        let now = self.shared.clock.now();
        if self.send(cx, now).is_err() {
            return Poll::Ready(());
        }
        // A transport cuts short what is half out; only who does not read leaves us no choice.
        let unfinished = self.unflushed && !reason.peer_stopped_reading();
        if !self.outgoing.is_empty() || unfinished || !self.shared.lock().protocol.is_sent() {
            return Poll::Pending;
        }
        let code = reason.code.unwrap_or(CloseCode::NORMAL);
        self.transport.poll_close(cx, code, reason.sent())
    }

    /// The transport does not work any more.
    pub(super) fn lose(&mut self, reason: CloseReason) -> CloseReason {
        let accepted = self.transport.accepted();
        let mut state = self.shared.lock();
        if state.generation != self.generation {
            // Another link serves the slot by now: what is in it is not this one's to end.
            self.phase = Phase::Closed;
            return reason;
        }
        // It may have been closing already, for another reason.
        let reason = state.protocol.ended().cloned().unwrap_or(reason);
        state.protocol.link_lost(accepted);
        let unanswered = state.protocol.end(&reason);
        drop(state);
        unanswered.into_iter().for_each(drop_quietly);
        self.drop_handlers();
        self.over(reason)
    }

    fn over(&mut self, reason: CloseReason) -> CloseReason {
        self.phase = Phase::Closed;
        tracing::debug!(peer = %self.shared.id, reason = reason.to_string(), "connection ended");
        // Before anyone hears of it: who is told looks for the peer in vain.
        self.shared.config.registry.remove(&self.shared, &reason);
        self.shared.with(|state| state.protocol.discard());
        self.shared.finish(&reason);
        reason
    }

    /// Drops handlers without the lock, since they drop calls, and tells who waited for anything.
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
        to_wake.into_iter().for_each(Waiter::tell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::peer::Peer;
    use crate::peer::config::EndpointConfig;
    use crate::peer::slot::Shared;
    use crate::service::router::Router;
    use crate::transport::memory;

    #[tokio::test]
    async fn a_link_that_was_replaced_does_not_end_the_slot() {
        let shared = Shared::new(EndpointConfig::new(Router::new(), Limits::client()));
        let peer = Peer { shared: shared.clone() };
        let (old, _far) = memory::transports(1024);
        let (new, _other) = memory::transports(1024);
        let old = Connection::new(old, shared.clone());
        let new = Connection::new(new, shared);
        drop(old);
        assert!(!peer.is_closed());
        drop(new);
        assert!(peer.is_closed());
    }
}
