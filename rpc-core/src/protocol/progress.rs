//! How far calls have come, both ways.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Event, Protocol};
use crate::id::canonical;
use crate::outbox::Carried;
use crate::serving::Key;

impl<W> Protocol<W> {
    /// The other end reports how far a call of ours has come, under the token that is its id. Tokens
    /// that we never gave, and those of calls that are over, are ignored: a report may cross a cancel.
    pub(super) fn reported<'a>(&mut self, params: Option<&str>, now: Duration) -> Event<'a> {
        #[derive(serde::Deserialize)]
        struct Report<'a> {
            #[serde(borrow)]
            token: &'a RawValue,
            #[serde(borrow)]
            value: &'a RawValue,
        }
        match params.and_then(|params| serde_json::from_str::<Report<'_>>(params).ok()) {
            Some(Report { token, value }) => {
                if let Some(id) = canonical(token.get()) {
                    self.calls.renew(id, now, |renewed| renewed.by_progress);
                    let window = self.limits.stream_window;
                    self.told.extend(self.calls.report(id, value.get(), window));
                }
            }
            None => self.counters.malformed += 1,
        }
        Event::Done
    }

    /// Takes what was reported of a call of ours.
    pub(crate) fn take_progress(&mut self, id: u64) -> VecDeque<Box<str>> {
        self.calls.take_reports(id)
    }

    /// A handler reports how far it has come. While there is no room the latest report waits in the
    /// place of the one before.
    pub(crate) fn report(&mut self, key: Key, report: Bytes) {
        if self.ended.is_some() {
            return;
        }
        let has_room = self.outbox.has_room();
        let Some(served) = self.serving.get_mut(key) else { return };
        if has_room {
            self.outbox.push(report, Carried::None);
        } else if served.report.replace(report).is_none() {
            self.unreported.push_back(key);
        }
    }

    /// Sends reports that waited for room, as far as there is some.
    pub(super) fn flush_reports(&mut self) {
        while !self.unreported.is_empty() && self.outbox.has_room() {
            let key = self.unreported.pop_front();
            key.into_iter().for_each(|key| self.flush_report(key));
        }
    }

    /// Sends the report that waits, whatever room there is: the answer comes next.
    pub(super) fn flush_report(&mut self, key: Key) {
        if let Some(report) = self.serving.get_mut(key).and_then(|served| served.report.take()) {
            self.outbox.push(report, Carried::None);
        }
    }
}
