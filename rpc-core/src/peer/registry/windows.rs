//! What the windows of streams have grown by, over all connections of a registry.

use crate::util::sync::{AtomicUsize, Ordering};

/// The bytes that are lent.
#[derive(Default)]
pub(crate) struct Windows(AtomicUsize);

impl Windows {
    /// Lends up to `wanted` bytes if no more than `total` are lent then, but never more than half of what is left: so
    /// that something is left for others, whoever was first. Returns how many.
    pub(crate) fn lend(&self, wanted: usize, total: usize) -> usize {
        let mut granted = 0;
        let lend = |lent: usize| {
            granted = wanted.min(total.saturating_sub(lent) / 2);
            Some(lent + granted)
        };
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lend);
        granted
    }

    /// Takes bytes back.
    pub(crate) fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Returns how many bytes are lent.
    pub(crate) fn lent(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn something_is_left_for_others() {
    let windows = Windows::default();
    assert_eq!(windows.lend(100, 1000), 100);
    assert_eq!(windows.lend(5000, 1000), 450);
    assert_eq!(windows.lend(5000, 1000), 225);
    assert_eq!(windows.lent(), 775);
    windows.give_back(775);
    windows.give_back(0);
    assert_eq!((windows.lent(), windows.lend(1, 1)), (0, 0));
}
