//! What the other end does wrong: it is counted, and closes the connection when it comes too fast.

use std::time::Duration;

use super::{Event, Protocol};
use crate::error::close::{CloseCode, CloseReason};

impl<W> Protocol<W> {
    /// A message, or a member of a batch, is not what it should be.
    #[cold]
    pub(super) fn malformed(&mut self) {
        self.counters.malformed += 1;
        self.rates.get_or_insert_default().malformed();
    }

    /// From now on what is no request is not answered: this end has opened the link, and what the other one
    /// says beside JSON-RPC is its own affair. Who is `heard` may say as much of it as it likes.
    pub(crate) fn leave_malformed(&mut self, is_heard: bool) {
        self.answers_malformed = false;
        self.hears_foreign = is_heard;
    }

    /// A message, or a member of a batch, is no JSON-RPC, and is not answered.
    #[cold]
    pub(super) fn foreign<'a>(&mut self) -> Event<'a> {
        self.counters.foreign += 1;
        if !self.hears_foreign {
            self.rates.get_or_insert_default().foreign();
        }
        Event::Foreign { is_first: self.counters.foreign == 1 }
    }

    /// A message concerns nothing that there is, or was.
    #[cold]
    pub(super) fn stray(&mut self) {
        self.counters.stray += 1;
        self.rates.get_or_insert_default().stray();
    }

    /// What is cancelled is not served; it may have been.
    #[cold]
    pub(super) fn count_unknown_cancel<'a>(&mut self) -> Event<'a> {
        let requests = self.serving.numbered();
        if self.rates.get_or_insert_default().is_cancel_stray(requests) {
            self.stray();
        }
        Event::Done
    }

    /// There is no stream where one is to end; there may have been, one of this end's calls included.
    #[cold]
    pub(super) fn nothing_to_end<'a>(&mut self) -> Event<'a> {
        let requests_and_streams = self.serving.numbered() + self.outgoing.numbered();
        if self.rates.get_or_insert_default().is_unsubscribe_stray(requests_and_streams) {
            self.stray();
        }
        Event::Done
    }

    /// Why the connection must be closed, if too much that is wrong has come.
    pub(super) fn too_fast(&mut self, now: Duration) -> Option<CloseReason> {
        let rates = self.rates.as_mut()?;
        let (malformed, stray) = (self.limits.malformed_rate, self.limits.stray_rate);
        let exceeded = rates.exceeded(now, malformed, stray)?;
        Some(CloseReason::us(CloseCode::POLICY, exceeded))
    }
}
