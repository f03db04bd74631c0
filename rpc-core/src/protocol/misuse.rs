//! Mistakes of the other end. Each is counted, and too many in a short time close the connection.

use std::time::Duration;

use super::{Event, Protocol};
use crate::error::close::{CloseCode, CloseReason};

impl<W> Protocol<W> {
    /// Counts a malformed message, or a malformed member of a batch.
    #[cold]
    pub(super) fn malformed(&mut self) {
        self.counters.malformed += 1;
        self.rates.get_or_insert_default().malformed();
    }

    /// Leaves malformed messages that are no requests without an answer, at the end that has opened the
    /// link. If the application `is_heard` listens to them, there is no limit on their rate.
    pub(crate) fn leave_malformed(&mut self, is_heard: bool) {
        self.answers_malformed = false;
        self.hears_foreign = is_heard;
    }

    /// Counts a message, or a member of a batch, that is no JSON-RPC and is not answered.
    #[cold]
    pub(super) fn foreign<'a>(&mut self) -> Event<'a> {
        self.counters.foreign += 1;
        if !self.hears_foreign {
            self.rates.get_or_insert_default().foreign();
        }
        Event::Foreign { is_first: self.counters.foreign == 1 }
    }

    /// Counts a message that concerns nothing known.
    #[cold]
    pub(super) fn stray(&mut self) {
        self.counters.stray += 1;
        self.rates.get_or_insert_default().stray();
    }

    /// Counts a cancel with an unknown id. The request may have been answered while the cancel was on its
    /// way.
    #[cold]
    pub(super) fn count_unknown_cancel<'a>(&mut self) -> Event<'a> {
        let requests = self.serving.numbered();
        if self.rates.get_or_insert_default().is_cancel_stray(requests) {
            self.stray();
        }
        Event::Done
    }

    /// Counts an unsubscribe or a stop with an unknown id. The stream may have ended while the message
    /// was on its way.
    #[cold]
    pub(super) fn nothing_to_end<'a>(&mut self) -> Event<'a> {
        let requests_and_streams = self.serving.numbered() + self.outgoing.numbered();
        if self.rates.get_or_insert_default().is_unsubscribe_stray(requests_and_streams) {
            self.stray();
        }
        Event::Done
    }

    /// Returns why the connection must be closed, if too many mistakes have come in a short time.
    pub(super) fn too_fast(&mut self, now: Duration) -> Option<CloseReason> {
        let rates = self.rates.as_mut()?;
        let (malformed, stray) = (self.limits.malformed_rate, self.limits.stray_rate);
        let exceeded = rates.exceeded(now, malformed, stray)?;
        Some(CloseReason::us(CloseCode::POLICY, exceeded))
    }
}
