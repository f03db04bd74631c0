//! Tasks that wait for the same thing, again and again.

use futures_util::task::AtomicWaker;
use slab::Slab;

use crate::util::sync::{Arc, Mutex};

/// The wakers of tasks. A task keeps its place in the set while it is interested, whether it waits or not.
///
/// Wakers are code of the application, so none is cloned, woken or dropped under the lock.
#[derive(Default)]
pub(crate) struct WakerSet {
    /// Waking takes the list as it is at that moment. Joining and leaving copy the list only at the same time.
    members: Mutex<Arc<Slab<Arc<AtomicWaker>>>>,
}

/// The place of a task in a set.
pub(crate) struct Place {
    waker: Arc<AtomicWaker>,
    index: usize,
}

impl Place {
    /// Lets the next event wake this task. An event that happened before is not noticed: look for one afterwards.
    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }
}

impl WakerSet {
    /// Returns the number of tasks.
    pub(crate) fn len(&self) -> usize {
        self.members.lock().unwrap().len()
    }

    pub(crate) fn join(&self) -> Place {
        let waker = Arc::new(AtomicWaker::new());
        let index = Arc::make_mut(&mut self.members.lock().unwrap()).insert(waker.clone());
        Place { waker, index }
    }

    pub(crate) fn leave(&self, place: &Place) {
        let gone = Arc::make_mut(&mut self.members.lock().unwrap()).remove(place.index);
        drop(gone); // here, after the lock is released
    }

    /// Wakes all tasks that have registered since they were last woken.
    pub(crate) fn wake_all(&self) {
        let members = self.members.lock().unwrap().clone();
        members.iter().for_each(|(_, waker)| waker.wake());
    }
}
