//! Who waits for something that the protocol will see happen.

use std::task::{Poll, Waker};

use futures_util::task::AtomicWaker;

use crate::later::Later;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};

/// Is told once.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A task that waits.
    Task(Waker),
    /// Any number of tasks that may come and ask later.
    Flag(Arc<Flag>),
    /// What is to be started.
    Later(Box<Later>),
}

impl Waiter {
    pub(crate) fn tell(self) {
        match self {
            Self::Task(waker) => waker.wake(),
            Self::Flag(flag) => flag.set(),
            Self::Later(later) => later.start(),
        }
    }

    /// This waker as a waiter; the one kept before serves on if it wakes the same task.
    pub(crate) fn task(kept: Option<Self>, waker: &Waker) -> Self {
        match kept {
            Some(Self::Task(kept)) if kept.will_wake(waker) => Self::Task(kept),
            _ => Self::Task(waker.clone()),
        }
    }
}

/// Something that happens once, and wakes all who wait for it.
#[derive(Debug, Default)]
pub(crate) struct Flag {
    set: AtomicBool,
    waiting: Mutex<Vec<Arc<AtomicWaker>>>,
}

impl Flag {
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
        if waiting.len() == waiting.capacity() {
            // Those that went away left us the only reference.
            waiting.retain(|waker| Arc::strong_count(waker) > 1);
        }
        waiting.push(waker.clone());
        waker
    }
}
