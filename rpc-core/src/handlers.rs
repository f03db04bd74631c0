//! The handlers that run in a connection's task.
//!
//! Each has the place of its call in the protocol's table. A place's waker is made once and serves
//! every handler that comes to be there, so waking costs one bit and no allocation; a wake meant for
//! a handler that is gone polls its successor once in vain. Unlike a `FuturesUnordered`, a handler
//! can be dropped where it stands, which is what cancelling means.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use crate::current;
use crate::id::Id;
use crate::service::Handler;
use crate::serving::Key;
use crate::sync::{Arc, AtomicU64, Ordering};

/// A handler, and what to do with what it returns.
pub(crate) struct Running {
    pub(crate) key: Key,
    /// The id to answer under; a notification has none.
    pub(crate) id: Option<Id>,
    pub(crate) handler: Handler,
    pub(crate) deadline: Option<Instant>,
}

/// What a poll of a handler came to.
pub(crate) enum Polled {
    /// It goes on.
    Pending,
    /// It has returned.
    Returned,
    /// It panicked.
    Panicked,
}

impl Running {
    /// Polls the handler as the one that this thread runs.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Polled {
        let mut cx = Context::from_waker(waker);
        let polled = current::with_handler(self.key, self.deadline, || {
            catch_unwind(AssertUnwindSafe(|| self.handler.poll(&mut cx)))
        });
        match polled {
            Ok(Poll::Pending) => Polled::Pending,
            Ok(Poll::Ready(())) => Polled::Returned,
            Err(panic) => {
                drop_quietly(panic);
                Polled::Panicked
            }
        }
    }
}

/// Drops something of a user's, whose destructor may panic.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Whoever panics with a payload that panics when dropped gets it leaked.
        std::mem::forget(panic);
    }
}

/// The pending handlers of one connection, by place.
pub(crate) struct Handlers {
    places: Vec<Place>,
    live: usize,
    woken: Arc<Woken>,
}

struct Place {
    waker: Waker,
    running: Option<Running>,
}

impl Handlers {
    /// For at most `capacity` places.
    pub(crate) fn new(capacity: usize) -> Self {
        let words = capacity.div_ceil(64);
        let bits = (0..words).map(|_| AtomicU64::new(0)).collect();
        let woken = Arc::new(Woken { bits, task: AtomicWaker::new() });
        Self { places: Vec::new(), live: 0, woken }
    }

    /// Has the connection's task woken when a handler is.
    pub(crate) fn register(&self, task: &Waker) {
        self.woken.task.register(task);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// The waker of a place.
    pub(crate) fn waker(&mut self, index: usize) -> &Waker {
        while self.places.len() <= index {
            let bell = Bell { woken: self.woken.clone(), index: self.places.len() };
            self.places.push(Place { waker: Arc::new(bell).into(), running: None });
        }
        &self.places[index].waker
    }

    /// Keeps a handler that is pending.
    pub(crate) fn insert(&mut self, running: Running) {
        let place = &mut self.places[running.key.index];
        debug_assert!(place.running.is_none(), "a place has one handler");
        place.running = Some(running);
        self.live += 1;
    }

    /// Moves the handlers that were woken into `woken`.
    pub(crate) fn take_woken(&mut self, woken: &mut Vec<Running>) {
        for (word, bits) in self.woken.bits.iter().enumerate() {
            if bits.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = bits.swap(0, Ordering::Acquire);
            while bits != 0 {
                let index = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Some(running) =
                    self.places.get_mut(index).and_then(|place| place.running.take())
                {
                    self.live -= 1;
                    woken.push(running);
                }
            }
        }
    }

    /// Drops a handler where it stands, if it is there.
    pub(crate) fn stop(&mut self, key: Key) {
        let Some(place) = self.places.get_mut(key.index) else {
            return;
        };
        if place.running.as_ref().is_some_and(|running| running.key == key) {
            self.live -= 1;
            drop_quietly(place.running.take());
        }
    }

    /// Drops all.
    pub(crate) fn clear(&mut self) {
        for place in &mut self.places {
            drop_quietly(place.running.take());
        }
        self.live = 0;
    }

    /// Gives back what a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.live == 0 {
            self.places = Vec::new();
        }
    }
}

/// Which places were woken, and whom to tell.
struct Woken {
    bits: Box<[AtomicU64]>,
    task: AtomicWaker,
}

/// Wakes one place.
struct Bell {
    woken: Arc<Woken>,
    index: usize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let (word, bit) = (self.index / 64, 1 << (self.index % 64));
        let before = self.woken.bits[word].fetch_or(bit, Ordering::Release);
        if before & bit == 0 {
            self.woken.task.wake();
        }
    }
}
