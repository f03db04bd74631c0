//! What the publishers and the takers of a topic share.

use super::ring::{Bounds, Event, Found, Ring};
use crate::error::object::ErrorObject;
use crate::util::sync::{Arc, AtomicU64, Mutex, MutexGuard, OnceLock, Ordering, PoisonError};
use crate::util::waker_set::WakerSet;

/// The events and the takers of a topic.
pub(super) struct Shared<T> {
    ring: Mutex<Ring<T>>,
    /// The number of the next event. A taker that has all events learns that without the lock.
    next: AtomicU64,
    /// How the topic has ended, if it has.
    end: OnceLock<Result<(), ErrorObject>>,
    pub(super) takers: WakerSet,
    pub(super) history: usize,
    pub(super) event_bytes: usize,
}

impl<T> Shared<T> {
    pub(super) fn new(bounds: Bounds, history: usize, event_bytes: usize) -> Self {
        Self {
            ring: Mutex::new(Ring::new(bounds)),
            next: AtomicU64::new(0),
            end: OnceLock::new(),
            takers: WakerSet::default(),
            history,
            event_bytes,
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring<T>> {
        // No code of the application runs under the lock.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the first event that a new taker gets.
    pub(super) fn first(&self) -> u64 {
        self.ring().last(self.history)
    }

    /// Adds an event and wakes the takers.
    pub(super) fn push(&self, event: Event<T>) {
        let mut ring = self.ring();
        let gone = ring.push(event);
        self.next.store(ring.next(), Ordering::SeqCst);
        drop(ring);
        drop(gone);
        self.takers.wake_all();
    }

    pub(super) fn find(&self, number: u64) -> Found<T> {
        if self.next.load(Ordering::SeqCst) == number {
            return Found::None;
        }
        self.ring().find(number)
    }

    /// Ends the streams of the takers, after the events that were published. The first end counts.
    pub(super) fn finish(&self, end: Result<(), ErrorObject>) {
        let _ = self.end.set(end);
        self.takers.wake_all();
    }

    /// Returns the end of the topic, if it has ended.
    pub(super) fn end(&self) -> Option<Result<(), ErrorObject>> {
        self.end.get().cloned()
    }
}

/// Ends the streams when the last handle of a topic is dropped.
pub(super) struct Publisher<T>(pub(super) Arc<Shared<T>>);

impl<T> Drop for Publisher<T> {
    fn drop(&mut self) {
        self.0.finish(Ok(()));
    }
}
