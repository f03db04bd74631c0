//! A number of permits, given out in order.
//!
//! The holder of a permit may release it for a while and take it back without waiting. Then one permit too many is in
//! use for a while, and the next permit that is returned goes to nobody else.

use tokio::sync::Semaphore;

use crate::util::sync::{Arc, AtomicUsize, Mutex, Ordering};

/// The permits, and the calls that wait for a permit.
pub(super) struct Permits {
    free: Semaphore,
    /// How many permits were taken back when none was free. While this is above 0, no permit is free.
    owed: Mutex<usize>,
    waiting: AtomicUsize,
}

impl Permits {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let free = Semaphore::new(most.min(Semaphore::MAX_PERMITS));
        Arc::new(Self { free, owed: Mutex::new(0), waiting: AtomicUsize::new(0) })
    }

    /// Takes a permit if one is free and nobody waits for it.
    pub(super) fn take(self: &Arc<Self>) -> Option<Permit> {
        self.free.try_acquire().ok()?.forget();
        Some(Permit { permits: self.clone(), released: false })
    }

    /// Joins the waiting calls, if fewer than `most` calls wait already.
    pub(super) fn wait(self: &Arc<Self>, most: usize) -> Option<Waiting> {
        let more = |waiting| (waiting < most).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Waiting { permits: self.clone() })
    }

    fn leave(&self) {
        let mut owed = self.owed.lock().unwrap();
        match owed.checked_sub(1) {
            Some(rest) => *owed = rest,
            None => {
                // Without the lock, because this wakes a task. A holder that takes its permit back at this moment
                // counts as owed once too early; the next returned permit makes up for it.
                drop(owed);
                self.free.add_permits(1);
            }
        }
    }

    fn take_back(&self) {
        let mut owed = self.owed.lock().unwrap();
        match self.free.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(_) => *owed += 1,
        }
    }
}

/// A waiting call. Dropping the value ends the wait.
pub(super) struct Waiting {
    permits: Arc<Permits>,
}

impl Waiting {
    /// Waits for a permit.
    pub(super) async fn permit(self) -> Permit {
        let permit = self.permits.free.acquire().await;
        permit.expect("nobody closes it").forget();
        Permit { permits: self.permits.clone(), released: false }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.permits.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A permit in use. Dropping the value returns the permit.
pub(super) struct Permit {
    permits: Arc<Permits>,
    released: bool,
}

impl Permit {
    /// Releases the permit for a while, or takes it back at once.
    pub(super) fn set_released(&mut self, released: bool) {
        match (self.released, released) {
            (false, true) => self.permits.leave(),
            (true, false) => self.permits.take_back(),
            _ => {}
        }
        self.released = released;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.released {
            self.permits.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_taken_back_is_paid_for_by_the_next_one_left() {
        let permits = Permits::new(1);
        let mut permit = permits.take().unwrap();
        assert!(permits.take().is_none());
        permit.set_released(true);
        let borrower = permits.take().unwrap();
        permit.set_released(false);
        drop(borrower);
        assert!(permits.take().is_none(), "two had one place: it is still held");
        drop(permit);
        assert!(permits.take().is_some());
    }

    #[test]
    fn who_leaves_lent_leaves_nothing() {
        let permits = Permits::new(2);
        let mut permit = permits.take().unwrap();
        permit.set_released(true);
        drop(permit);
        let both = [permits.take(), permits.take(), permits.take()].map(|permit| permit.is_some());
        assert_eq!(both, [true, true, false]);
    }

    #[test]
    fn no_more_wait_than_may() {
        let permits = Permits::new(1);
        let first = permits.wait(1);
        assert!(first.is_some() && permits.wait(1).is_none());
        drop(first);
        assert!(permits.wait(1).is_some());
    }
}
