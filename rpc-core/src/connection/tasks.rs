//! What runs in a connection's task beside the connection: pending handlers and streams.
//!
//! Each task has a slot with the index of its entry in the protocol's table. The waker of a slot is made once and
//! serves all tasks that come to be in the slot, so a wake sets one bit and allocates nothing. A late wake of a task
//! that is gone polls the next task of the slot once in vain. Unlike in a `FuturesUnordered`, a task can be dropped
//! where it stands: that is how a call is cancelled.

use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

use crate::util::catch::drop_quietly;
use crate::util::sync::{Arc, AtomicBool, AtomicU64, Ordering};

/// The pending tasks of one kind, by index.
pub(crate) struct Tasks<T> {
    places: Vec<TaskSlot<T>>,
    live: usize,
    capacity: usize,
    /// Made for the first task: an idle connection has none.
    woken: Option<Arc<Woken>>,
}

struct TaskSlot<T> {
    waker: Waker,
    task: Option<T>,
}

impl<T> Tasks<T> {
    /// Creates an empty table for at most `capacity` tasks.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { places: Vec::new(), live: 0, capacity, woken: None }
    }

    /// Begins a turn. Until [`end_turn`](Self::end_turn) a woken task does not wake the connection, which looks for
    /// woken tasks by itself.
    pub(crate) fn begin_turn(&self) {
        if let Some(woken) = &self.woken {
            woken.in_turn.store(true, Ordering::Relaxed);
        }
    }

    /// Ends the turn. From now on a woken task wakes `connection`. Returns whether a task was woken in the turn and not
    /// taken out.
    pub(crate) fn end_turn(&self, connection: &Waker) -> bool {
        let Some(woken) = &self.woken else { return false };
        woken.connection.register(connection);
        // A task that is woken after this look wakes the connection. For that, both sides must see the two flags in one
        // order.
        woken.in_turn.store(false, Ordering::SeqCst);
        woken.any.load(Ordering::SeqCst)
    }

    /// Returns the waker of a slot. Call this only in a turn.
    pub(crate) fn waker(&mut self, index: usize) -> &Waker {
        if self.places.len() <= index {
            self.add_places(index);
        }
        &self.places[index].waker
    }

    #[cold]
    fn add_places(&mut self, last: usize) {
        let woken = self.woken.get_or_insert_with(|| Arc::new(Woken::in_turn(self.capacity)));
        for index in self.places.len()..=last {
            let bell = SlotWaker { woken: woken.clone(), index };
            self.places.push(TaskSlot { waker: Arc::new(bell).into(), task: None });
        }
    }

    /// Keeps a task that is pending or was not polled yet.
    pub(crate) fn insert(&mut self, index: usize, task: T) {
        self.waker(index);
        let place = &mut self.places[index];
        debug_assert!(place.task.is_none(), "a place has one task");
        place.task = Some(task);
        self.live += 1;
    }

    /// Takes a task out, if the slot has a task that `is_meant`.
    pub(crate) fn take(&mut self, index: usize, is_meant: impl FnOnce(&T) -> bool) -> Option<T> {
        let place = self.places.get_mut(index)?;
        let task = place.task.take_if(|task| is_meant(task));
        self.live -= usize::from(task.is_some());
        task
    }

    /// Takes out the woken tasks, one by one.
    pub(crate) fn take_woken(&mut self, mut each: impl FnMut(T)) {
        let Some(woken) = &self.woken else { return };
        // Read before it is written: each turn comes by here, and mostly no task was woken.
        if !woken.any.load(Ordering::Relaxed) || !woken.any.swap(false, Ordering::Acquire) {
            return;
        }
        for (word, bits) in woken.bits.iter().enumerate() {
            if bits.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = bits.swap(0, Ordering::Acquire);
            while bits != 0 {
                let index = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Some(task) = self.places.get_mut(index).and_then(|place| place.task.take()) {
                    self.live -= 1;
                    each(task);
                }
            }
        }
    }

    /// Returns all tasks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| place.task.as_ref())
    }

    /// Drops all tasks.
    pub(crate) fn clear(&mut self) {
        for place in &mut self.places {
            drop_quietly(place.task.take());
        }
        self.live = 0;
    }

    /// Gives back what a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.live == 0 {
            self.places = Vec::new();
            self.woken = None;
        }
    }
}

/// The slots that were woken, and the waker of the connection.
struct Woken {
    bits: Box<[AtomicU64]>,
    /// Whether a bit was set since the bits were last read. Set after the bit, cleared before the bits are read.
    any: AtomicBool,
    /// Whether the connection has its turn.
    in_turn: AtomicBool,
    connection: AtomicWaker,
}

impl Woken {
    /// Creates the flags of at most `capacity` slots, in a turn.
    fn in_turn(capacity: usize) -> Self {
        Self {
            bits: (0..capacity.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            any: AtomicBool::new(false),
            in_turn: AtomicBool::new(true),
            connection: AtomicWaker::new(),
        }
    }
}

/// Wakes one slot.
struct SlotWaker {
    woken: Arc<Woken>,
    index: usize,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let (word, bit) = (self.index / 64, 1 << (self.index % 64));
        let before = self.woken.bits[word].fetch_or(bit, Ordering::Release);
        if before & bit == 0 {
            self.woken.any.store(true, Ordering::SeqCst);
            if !self.woken.in_turn.load(Ordering::SeqCst) {
                self.woken.connection.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker_ref;

    use super::*;

    /// Counts wakes of the connection.
    #[derive(Default)]
    struct Wakes(std::sync::atomic::AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn taken(tasks: &mut Tasks<&'static str>) -> Vec<&'static str> {
        let mut taken = Vec::new();
        tasks.take_woken(|task| taken.push(task));
        taken
    }

    #[test]
    fn a_task_that_is_woken_in_its_first_turn_is_told_at_the_end_of_the_turn() {
        let mut tasks = Tasks::new(100);
        tasks.begin_turn();
        tasks.insert(70, "first");
        tasks.waker(70).wake_by_ref();
        assert!(tasks.end_turn(noop_waker_ref()), "the turn ends without a look at the task");
        assert_eq!(taken(&mut tasks), ["first"]);
    }

    #[test]
    fn a_task_wakes_the_connection_after_a_quiet_time_as_before() {
        let wakes = Arc::new(Wakes::default());
        let connection = Waker::from(wakes.clone());
        let mut tasks = Tasks::new(100);
        for turn in 1..=2 {
            tasks.begin_turn();
            tasks.insert(70, "task");
            let waker = tasks.waker(70).clone();
            assert!(!tasks.end_turn(&connection));
            waker.wake();
            assert_eq!(wakes.0.load(std::sync::atomic::Ordering::Relaxed), turn);
            assert_eq!(taken(&mut tasks), ["task"]);
            tasks.shrink();
            assert!(tasks.woken.is_none(), "a quiet connection keeps memory");
        }
    }
}
