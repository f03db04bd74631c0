//! How far calls have come, both ways.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Event, Protocol};
use crate::protocol::tables::key::Key;
use crate::protocol::tables::outbox::Carried;
use crate::wire::decode::Notification;
use crate::wire::dialect::Dialect;
use crate::wire::id::whole;
use crate::wire::scan::DISGUISED;

impl<W> Protocol<W> {
    /// Takes a `$/progress`: a report of how far a call of this end has come, whose token is the id of
    /// the call. Returns `None` if the report belongs to no call, and the fallback may want it.
    pub(super) fn reported<'a>(
        &mut self,
        Notification { params, complexity, .. }: &Notification<'_>,
        now: Duration,
    ) -> Option<Event<'a>> {
        #[derive(serde::Deserialize)]
        struct Report<'a> {
            #[serde(borrow)]
            token: &'a RawValue,
            #[serde(borrow)]
            value: &'a RawValue,
        }
        match params.and_then(|params| serde_json::from_str::<Report<'_>>(params).ok()) {
            Some(Report { token, value }) => {
                self.take_report(token.get(), value.get(), complexity.is_disguised, now)
            }
            None => {
                self.malformed();
                Some(Event::Done)
            }
        }
    }

    /// Keeps a report for the call of this end whose id is the token. A report for a call that is over is
    /// ignored: the report may cross a cancel. A token that this end never gave means nothing; in LSP and
    /// MCP it is other business of the two ends.
    pub(super) fn take_report<'a>(
        &mut self,
        token: &str,
        report: &str,
        is_disguised: bool,
        now: Duration,
    ) -> Option<Event<'a>> {
        let Some(id) = whole(token).filter(|id| self.calls.has_made(*id)) else {
            return (self.dialect == Dialect::JsonRpc).then_some(Event::Done);
        };
        self.calls.renew(id, now, |sliding| sliding.by_progress);
        if is_disguised {
            // As one of another type, which its listener would not be told of either.
            self.counters.dropped += 1;
            return Some(Event::Dropped(DISGUISED));
        }
        match self.calls.report(id, report, self.limits.stream_window) {
            Ok(waiter) => self.to_wake.extend(waiter),
            Err(()) => self.counters.dropped += 1,
        }
        Some(Event::Done)
    }

    /// Takes the reports of progress of a call of this end.
    pub(crate) fn take_progress(&mut self, id: u64) -> VecDeque<Box<str>> {
        self.calls.take_reports(id)
    }

    /// Sends a report of a handler. While there is no room the latest report waits, in the place of the
    /// one before.
    pub(crate) fn report(&mut self, key: Key, report: Bytes) {
        // Who takes nothing but an answer might take a report for that.
        if self.ended.is_some() || self.answers_only {
            return;
        }
        let has_room = self.outbox.has_room();
        let Some(served) = self.serving.get_mut(key) else { return };
        if has_room {
            // Room may have come without anyone who looked for it: the one that waited goes first.
            let waited = served.cold.as_mut().and_then(|cold| cold.report.take());
            self.outbox.extend(waited);
            self.outbox.push(report, Carried::None);
        } else if served.cold.get_or_insert_default().report.replace(report).is_none() {
            self.unreported.get_or_insert_default().push_back(key);
        }
    }

    /// Sends the reports that waited for room, while there is room.
    pub(super) fn flush_reports(&mut self) {
        while self.outbox.has_room()
            && let Some(unreported) = &mut self.unreported
        {
            let Some(key) = unreported.pop_front() else {
                self.unreported = None;
                return;
            };
            // It may have ended meanwhile, and the report have gone before its answer.
            let served = self.serving.get_mut(key);
            let cold = served.and_then(|served| served.cold.as_mut());
            self.outbox.extend(cold.and_then(|cold| cold.report.take()));
        }
    }
}
