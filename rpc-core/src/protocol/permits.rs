//! Handlers that release their permit while they wait for calls of their own, and the waiters told of
//! that.

use std::collections::HashMap;

use super::Protocol;
use crate::protocol::tables::key::Key;

/// Waiters told when a handler begins, or ceases, to wait for calls of its own.
pub(super) struct PermitWatchers<W>(HashMap<Key, W>);

impl<W> Protocol<W> {
    /// Releases the permit of a running handler that starts a call, here or on another connection.
    pub(crate) fn release_permit(&mut self, key: Key) {
        if self.serving.release_permit(key) {
            self.tell_lender(key);
        }
    }

    /// Takes note that a call which a running handler made is resolved.
    pub(crate) fn reacquire_permit(&mut self, key: Key) {
        if self.serving.reacquire_permit(key) {
            self.tell_lender(key);
        }
    }

    fn tell_lender(&mut self, key: Key) {
        if let Some(PermitWatchers(permit_watchers)) = self.permit_watchers.as_deref_mut() {
            self.to_wake.extend(permit_watchers.remove(&key));
        }
    }

    /// Returns whether a handler waits for calls of its own. `keep` stores a waiter, which is told when
    /// that changes.
    pub(crate) fn watch_permit(&mut self, key: Key, keep: impl FnOnce(&mut Option<W>)) -> bool {
        let PermitWatchers(permit_watchers) = &mut **self
            .permit_watchers
            .get_or_insert_with(|| Box::new(PermitWatchers(HashMap::new())));
        let mut kept = permit_watchers.remove(&key);
        keep(&mut kept);
        permit_watchers.extend(kept.map(|kept| (key, kept)));
        self.serving.is_released(key)
    }

    /// Forgets the waiter of a handler. Returns the waiter, to be dropped without the lock.
    pub(crate) fn unwatch_permit(&mut self, key: Key) -> Option<W> {
        let PermitWatchers(permit_watchers) = self.permit_watchers.as_deref_mut()?;
        permit_watchers.remove(&key)
    }

    /// Tells all waiters, at the end.
    pub(super) fn clear_permit_watchers(&mut self) {
        if let Some(permit_watchers) = self.permit_watchers.take() {
            self.to_wake.extend(permit_watchers.0.into_values());
        }
    }

    /// Gives back the memory that a busy time left behind.
    pub(super) fn shrink_permit_watchers(&mut self) {
        self.permit_watchers.take_if(|permit_watchers| permit_watchers.0.is_empty());
    }
}
