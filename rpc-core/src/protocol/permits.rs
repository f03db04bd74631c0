//! Handlers that lend their place while they wait for calls of their own, and who is told of that.

use std::collections::HashMap;

use super::Protocol;
use crate::protocol::tables::key::Key;

/// Who is told when a handler begins, or ceases, to wait for calls of its own.
pub(super) struct Lenders<W>(HashMap<Key, W>);

impl<W> Protocol<W> {
    /// A running handler starts a call, here or on another connection.
    pub(crate) fn lend(&mut self, key: Key) {
        if self.serving.lend(key) {
            self.tell_lender(key);
        }
    }

    /// A call that a running handler made is resolved.
    pub(crate) fn give_back(&mut self, key: Key) {
        if self.serving.give_back(key) {
            self.tell_lender(key);
        }
    }

    fn tell_lender(&mut self, key: Key) {
        if let Some(Lenders(lenders)) = self.lenders.as_deref_mut() {
            self.told.extend(lenders.remove(&key));
        }
    }

    /// Whether a handler waits for calls of its own; who is kept by `keep` is told when that changes.
    pub(crate) fn watch_lending(&mut self, key: Key, keep: impl FnOnce(&mut Option<W>)) -> bool {
        let Lenders(lenders) =
            &mut **self.lenders.get_or_insert_with(|| Box::new(Lenders(HashMap::new())));
        let mut kept = lenders.remove(&key);
        keep(&mut kept);
        lenders.extend(kept.map(|kept| (key, kept)));
        self.serving.is_lent(key)
    }

    /// Nobody asks that of this handler any more; returns who did, to be dropped without the lock.
    pub(crate) fn unwatch_lending(&mut self, key: Key) -> Option<W> {
        let Lenders(lenders) = self.lenders.as_deref_mut()?;
        lenders.remove(&key)
    }

    /// There is nothing to be told of any more.
    pub(super) fn clear_lenders(&mut self) {
        if let Some(lenders) = self.lenders.take() {
            self.told.extend(lenders.0.into_values());
        }
    }

    /// Gives back what a busy time left behind.
    pub(super) fn shrink_lenders(&mut self) {
        self.lenders.take_if(|lenders| lenders.0.is_empty());
    }
}
