//! Handlers: which may start, what they lend, and how they end.

use std::time::Duration;

use bytes::Bytes;

use super::{Protocol, Serve};
use crate::serving::{Cost, Key};

impl<W> Protocol<W> {
    /// A handler that waited to start and may do so now.
    pub(crate) fn next_to_start(&mut self, now: Duration) -> Option<Serve<Box<str>>> {
        if !self.outbox.has_room() || self.ended.is_some() {
            return None;
        }
        let params = |params: Box<str>| Some(params).filter(|params| !params.is_empty());
        if let Some(waiting) = self.notifications.next() {
            let cost = Cost { bytes: waiting.params.len(), tokens: waiting.tokens };
            let params = params(waiting.params);
            return Some(self.start_notification(waiting.method, params, cost, now));
        }
        let (key, text) = self.serving.next_unstarted()?;
        let served = self.serving.get(key)?;
        let (id, method, deadline) = (served.id.clone(), served.method, served.deadline);
        Some(Serve { key, id, method, params: params(text), deadline })
    }

    /// Whether a request or notification waits that could start if there were room.
    pub(crate) fn has_waiting(&self) -> bool {
        self.serving.has_unstarted() || self.notifications.has_next()
    }

    /// Whether a result may be written now: there is room for it.
    pub(crate) fn may_answer(&self) -> bool {
        self.outbox.has_room()
    }

    /// A handler has ended; this is its answer, if it owes one and may still give it.
    pub(crate) fn finish(&mut self, key: Key, answer: Option<Bytes>) {
        self.notifications.ended(key);
        if self.serving.remove(key).is_some()
            && let Some(answer) = answer
        {
            self.outbox.push(answer, None);
        }
    }

    /// A running handler starts a call on another connection; whether it waits for no other one.
    pub(crate) fn lend(&mut self, key: Key) -> bool {
        self.serving.lend(key)
    }

    /// A call that a running handler made on another connection is resolved.
    pub(crate) fn take_back(&mut self, key: Key) {
        self.serving.give_back(key);
    }

    /// Has `watcher` told when the handler is stopped before it ends; `Some` replaces the one kept
    /// and the answer is whether the handler still runs.
    pub(crate) fn watch(&mut self, key: Key, watcher: impl FnOnce(Option<W>) -> W) -> bool {
        match self.serving.get_mut(key) {
            Some(served) => {
                served.watcher = Some(watcher(served.watcher.take()));
                true
            }
            None => false,
        }
    }
}
