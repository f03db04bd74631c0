//! Handlers: which may start, which are kept, and what is known of the call that a handler serves.

use std::time::Duration;

use super::{Protocol, Serve, Started};
use crate::protocol::tables::key::Key;
use crate::protocol::tables::serving::ServedExtensions;
use crate::util::members::Members;
use crate::util::sync::Arc;
use crate::wire::id::Id;

impl<W> Protocol<W> {
    /// Returns a handler that waited to start and may do so now.
    pub(crate) fn next_to_start(&mut self, now: Duration) -> Option<(Started, Serve<Box<str>>)> {
        if !self.outbox.has_room() || self.ended.is_some() {
            return None;
        }
        // First, as an ordered request waits for those before it. It waits for none that stands behind
        // one that waits for a call of its own.
        if let Some(waiting) = self.notifications.next() {
            return Some(self.start_notification(waiting, now));
        }
        // All that came before it has started, so it is the oldest of those that have not.
        let (key, params) = if self.serving.has_ready_ordered() {
            self.serving.next_ordered()?
        } else {
            self.next_unstarted()?
        };
        self.serve_waiting(key, params)
    }

    /// Takes back the token of a handler that goes on after its first poll, or whose result waits for
    /// room. Until it is finished the other end may cancel its request, and may not reuse the `id`.
    pub(crate) fn keep(&mut self, started: Started, id: Option<&Id>) -> Key {
        let key = started.key();
        if let Some(id) = id {
            self.serving.keep(key, id);
        }
        key
    }

    /// Returns whether a request or notification waits that could start if there were room.
    pub(crate) fn has_waiting(&mut self) -> bool {
        self.must_not_overtake() || self.notifications.has_pending() || self.may_come_back()
    }

    /// Returns whether requests are about to start. Later requests must not overtake them.
    pub(super) fn must_not_overtake(&self) -> bool {
        self.serving.has_unstarted() || self.serving.has_ready_ordered()
    }

    /// Returns whether an ordered request that comes now must wait.
    pub(super) fn must_wait_for_earlier(&self) -> bool {
        self.serving.holds_up_ordered() || self.notifications.has_pending()
    }

    /// Returns whether an ordered request may start now. A handler on another thread can make that so, by
    /// a call of its own.
    pub(crate) fn may_start_ordered(&self) -> bool {
        self.serving.has_ready_ordered() && self.outbox.has_room() && self.ended.is_none()
    }

    /// Takes note that a handler has returned and its result waits for room.
    pub(crate) fn on_returned(&mut self, key: Key) {
        self.serving.returned(key);
    }

    /// Returns whether there is room in the outbox, even if messages wait for it.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Returns whether this is a notification that is still served.
    pub(crate) fn is_notification(&self, key: Key) -> bool {
        self.serving.get(key).is_some_and(|served| !served.is_request)
    }

    /// Returns what came beside the params of a call that is still served.
    pub(crate) fn extensions(&self, key: Key) -> Option<&Arc<ServedExtensions>> {
        self.serving.get(key)?.cold.as_ref()?.extensions.as_ref()
    }

    /// Returns whether the caller hands on a call that is still served, and does not know its method.
    pub(crate) fn is_forwarded(&self, key: Key) -> bool {
        self.extensions(key).is_some_and(|extensions| extensions.members.forwarded > 0)
    }

    /// Returns the method of a call that is still served.
    pub(crate) fn method(&self, key: Key) -> Option<usize> {
        Some(self.serving.get(key)?.method)
    }

    /// Returns what the members of the batch share in which a call came that is still served.
    pub(crate) fn members(&mut self, key: Key) -> Option<Members> {
        let served = self.serving.get(key)?;
        if let Some(place) = served.place {
            return Some(self.batches.members(place.batch));
        }
        served.cold.as_ref()?.members.clone()
    }

    /// Has `watcher`, made of the waiter that was kept before, told when the call is served no longer.
    /// Returns whether the call is still served.
    pub(crate) fn watch(&mut self, key: Key, watcher: impl FnOnce(Option<W>) -> W) -> bool {
        match self.serving.get_mut(key) {
            Some(served) => {
                let cold = served.cold.get_or_insert_default();
                cold.watcher = Some(watcher(cold.watcher.take()));
                true
            }
            None => false,
        }
    }
}
