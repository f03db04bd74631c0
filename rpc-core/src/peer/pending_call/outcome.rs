//! The wait for the outcome of a call that has started.

use std::collections::VecDeque;
use std::task::{Poll, Waker, ready};

use super::PendingCall;
use crate::protocol::Outcome;
use crate::util::sync::PoisonError;
use crate::util::waiter::poll_registered;

impl PendingCall {
    /// Passes the progress reports to their listener, and then takes the outcome.
    pub(super) fn poll_outcome(&self, id: u64, waker: &Waker) -> Poll<Outcome> {
        loop {
            let mut reports = VecDeque::new();
            let polled = poll_registered(waker, |task| {
                // `lock` instead of `with`: no other task has to be woken.
                let protocol = &mut self.shared.lock().protocol;
                if self.options.progress {
                    reports = protocol.take_progress(id);
                }
                if !reports.is_empty() {
                    return Some(None); // the outcome stays in the protocol: a listener's panic must not lose it
                }
                protocol.poll_outcome(id, |kept| task.keep(kept)).map(Some)
            });
            if let Some(outcome) = ready!(polled) {
                return Poll::Ready(outcome);
            }
            let rare = self.options.rare.as_deref();
            if let Some(listener) = rare.and_then(|rare| rare.listener.as_ref()) {
                let mut listener = listener.lock().unwrap_or_else(PoisonError::into_inner);
                reports.iter().for_each(|report| listener(report));
            }
        }
    }
}
