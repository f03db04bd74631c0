//! Who waits for something that the protocol will see happen.

use std::task::{Poll, Waker};

use futures_util::task::AtomicWaker;

use crate::util::deferred::Deferred;
use crate::util::sync::{Arc, AtomicBool, Mutex, Ordering};

/// Is told once.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A task that waits.
    Task(Waker),
    /// Any number of tasks that may come and ask later.
    OneShotEvent(Arc<OneShotEvent>),
    /// What is to be started.
    Deferred(Box<Deferred>),
}

impl Waiter {
    pub(crate) fn tell(self) {
        match self {
            Self::Task(waker) => waker.wake(),
            Self::OneShotEvent(flag) => flag.set(),
            Self::Deferred(later) => later.start(),
        }
    }
}

/// The waker of a task that is to be kept where something will happen.
///
/// Wakers are code of the user's: to clone or drop one may do anything, such as to drop the task, and with it a
/// call of this connection. So none is made or dropped under the slot's lock.
pub(crate) struct Registration<'a> {
    waker: &'a Waker,
    /// One to be kept, or the one that it has replaced.
    spare: Option<Waiter>,
    lacks_one: bool,
}

impl Registration<'_> {
    /// Keeps the waker, unless one that wakes the same task is kept already.
    pub(crate) fn keep(&mut self, kept: &mut Option<Waiter>) {
        match kept {
            Some(Waiter::Task(kept)) if kept.will_wake(self.waker) => {}
            _ if self.spare.is_some() => std::mem::swap(kept, &mut self.spare),
            _ => self.lacks_one = true,
        }
    }
}

/// Looks for something under a lock, by `look`, which has the waker kept where there is nothing yet; again, with a
/// waker that was made meanwhile, where none was kept.
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

/// Something that happens once, and wakes all who wait for it.
#[derive(Debug, Default)]
pub(crate) struct OneShotEvent {
    set: AtomicBool,
    waiting: Mutex<Vec<Arc<AtomicWaker>>>,
}

impl OneShotEvent {
    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Wakes all who wait, and whoever comes later at once.
    pub(crate) fn set(&self) {
        self.set.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        waiting.iter().for_each(|waker| waker.wake());
    }

    /// Waits for it. Drop safe.
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
        // Those that went away left us the only reference.
        let left = |waker: &mut Arc<AtomicWaker>| Arc::strong_count(waker) == 1;
        let gone: Vec<_> =
            if is_full { waiting.extract_if(.., left).collect() } else { Vec::new() };
        waiting.push(waker.clone());
        drop(waiting);
        drop(gone); // without the lock, since wakers are code of the user's
        waker
    }
}
