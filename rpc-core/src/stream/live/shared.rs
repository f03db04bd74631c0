//! What the publishers and the watchers of a live value share.

use serde::Serialize;

use super::published::Published;
use crate::error::object::ErrorObject;
use crate::util::sync::{Arc, AtomicU64, Mutex, MutexGuard, OnceLock, Ordering, PoisonError};
use crate::util::waker_set::WakerSet;

/// The value and its watchers.
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    /// Counts the changes. A watcher that has the latest one learns that without the lock.
    changes: AtomicU64,
    /// How the value has ended, if there is no further change.
    end: OnceLock<Result<(), ErrorObject>>,
    pub(super) watchers: WakerSet,
    /// Watchers that wait for their time, and need not know of changes meanwhile.
    pub(super) throttled: WakerSet,
}

/// The value, and its text.
pub(super) struct State<T> {
    pub(super) value: T,
    pub(super) published: Published,
    /// The number of the change that was published last.
    pub(super) change: Option<u64>,
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        let state = State { value, published: Published::default(), change: None };
        Self {
            state: Mutex::new(state),
            changes: AtomicU64::new(1),
            end: OnceLock::new(),
            watchers: WakerSet::default(),
            throttled: WakerSet::default(),
        }
    }

    /// Locks the value. A closure of the program that has panicked leaves the value as it was then.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the latest change.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Notes that the value has changed, and wakes the watchers.
    pub(super) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.watchers.wake_all();
    }

    /// Ends the streams of the watchers, after the latest value. The first end counts.
    pub(super) fn finish(&self, end: Result<(), ErrorObject>) {
        let _ = self.end.set(end);
        self.watchers.wake_all();
        self.throttled.wake_all();
    }

    /// Returns the end, if there is no further change.
    pub(super) fn end(&self) -> Option<Result<(), ErrorObject>> {
        self.end.get().cloned()
    }
}

impl<T: Serialize> Shared<T> {
    /// Locks the value, of which the text of the present is published. Sets the `change` up to which that is.
    pub(super) fn published(
        &self,
        change: &mut u64,
    ) -> Result<MutexGuard<'_, State<T>>, ErrorObject> {
        let mut state = self.lock();
        let present = self.changes();
        if state.change != Some(present) {
            let State { value, published, .. } = &mut *state;
            published.publish(value)?;
            state.change = Some(present);
        }
        *change = present;
        Ok(state)
    }
}

/// Ends the streams when the last handle of a live value is dropped.
pub(super) struct Publisher<T>(pub(super) Arc<Shared<T>>);

impl<T> Drop for Publisher<T> {
    fn drop(&mut self) {
        self.0.finish(Ok(()));
    }
}
