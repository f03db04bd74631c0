//! Tasks and events that wait for a state change of the protocol.

use std::task::{Poll, Waker};

use futures_util::task::AtomicWaker;

use crate::util::deferred::Deferred;
use crate::util::sync::{Arc, AtomicBool, Mutex, Ordering};

/// A receiver of one notification.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// Wakes a task.
    Task(Waker),
    /// Sets an event, which any number of tasks can wait for.
    OneShotEvent(Arc<OneShotEvent>),
    /// Starts futures of a handler.
    Deferred(Box<Deferred>),
}

impl Waiter {
    pub(crate) fn notify(self) {
        match self {
            Self::Task(waker) => waker.wake(),
            Self::OneShotEvent(event) => event.set(),
            Self::Deferred(deferred) => deferred.start(),
        }
    }
}

/// Stores the waker of a task while a lock is held.
///
/// Wakers are code of the application: cloning or dropping a waker may do anything, for example drop the task, and with
/// the task a call of this connection. So no waker is cloned or dropped under the slot's lock.
pub(crate) struct Registration<'a> {
    waker: &'a Waker,
    /// A cloned waker that can be stored, or the waker that it has replaced.
    spare: Option<Waiter>,
    lacks_one: bool,
}

impl Registration<'_> {
    /// Stores the waker, unless the stored waker already wakes the same task.
    pub(crate) fn keep(&mut self, kept: &mut Option<Waiter>) {
        match kept {
            Some(Waiter::Task(kept)) if kept.will_wake(self.waker) => {}
            _ if self.spare.is_some() => std::mem::swap(kept, &mut self.spare),
            _ => self.lacks_one = true,
        }
    }
}

/// Polls a state under a lock. `look` locks and returns the result; without a result, `look` registers the waker. If no
/// cloned waker was at hand, this clones the waker outside of the lock and calls `look` again.
pub(crate) fn poll_registered<R>(
    waker: &Waker,
    mut look: impl FnMut(&mut Registration<'_>) -> Option<R>,
) -> Poll<R> {
    let mut registration = Registration { waker, spare: None, lacks_one: false };
    loop {
        if let Some(found) = look(&mut registration) {
            return Poll::Ready(found);
        }
        if !std::mem::take(&mut registration.lacks_one) {
            return Poll::Pending;
        }
        registration.spare = Some(Waiter::Task(waker.clone()));
    }
}

/// An event that happens once, and wakes all tasks that wait for it.
#[derive(Debug, Default)]
pub(crate) struct OneShotEvent {
    set: AtomicBool,
    waiting: Mutex<Vec<Arc<AtomicWaker>>>,
}

impl OneShotEvent {
    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Wakes all waiting tasks. Tasks that wait later continue at once.
    pub(crate) fn set(&self) {
        self.set.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        waiting.iter().for_each(|waker| waker.wake());
    }

    /// Waits for the event. Cancel safe.
    pub(crate) async fn wait(&self) {
        let waker = self.enlist();
        std::future::poll_fn(|cx| {
            waker.register(cx.waker());
            if self.is_set() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn enlist(&self) -> Arc<AtomicWaker> {
        let waker = Arc::new(AtomicWaker::new());
        let mut waiting = self.waiting.lock().unwrap();
        let is_full = waiting.len() == waiting.capacity();
        // The reference count is 1 if the waiting task has been dropped.
        let left = |waker: &mut Arc<AtomicWaker>| Arc::strong_count(waker) == 1;
        let gone: Vec<_> =
            if is_full { waiting.extract_if(.., left).collect() } else { Vec::new() };
        waiting.push(waker.clone());
        drop(waiting);
        drop(gone); // after the lock is released, since wakers are code of the application
        waker
    }
}
