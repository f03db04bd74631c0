//! Marks of answers that were dropped early. A mark is enough to recognise the key.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rustc_hash::FxBuildHasher;

/// Hashes of keys, each stored for as long as its answer would have been. Nobody outside can compute the hash.
#[derive(Default)]
pub(super) struct Marks {
    until: HashMap<u64, Duration, FxBuildHasher>,
    /// The mark that expires first comes first.
    order: VecDeque<u64>,
}

impl Marks {
    /// Remembers a key. `until` is no earlier than that of the previous key.
    pub(super) fn push(&mut self, hash: u64, until: Duration) {
        self.until.insert(hash, until);
        self.order.push_back(hash);
    }

    pub(super) fn contain(&self, hash: u64) -> bool {
        self.until.contains_key(&hash)
    }

    /// Returns when the first mark expires.
    pub(super) fn due(&self) -> Option<Duration> {
        self.until.get(self.order.front()?).copied()
    }

    /// Removes the first mark, and returns when it would have expired.
    pub(super) fn pop(&mut self) -> Option<Duration> {
        let until = self.until.remove(&self.order.pop_front()?);
        if self.order.len() * 4 < self.order.capacity() {
            self.order.shrink_to(self.order.len() * 2);
            self.until.shrink_to(self.order.len() * 2);
        }
        until
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

#[test]
fn a_key_is_known_until_its_mark_is_taken_out() {
    let mut marks = Marks::default();
    for number in 0..100 {
        marks.push(number, Duration::from_secs(number));
    }
    assert!(marks.contain(0) && !marks.contain(100));
    assert_eq!((marks.due(), marks.pop()), (Some(Duration::ZERO), Some(Duration::ZERO)));
    assert!(!marks.contain(0));
    while marks.pop().is_some() {}
    assert_eq!((marks.len(), marks.due(), marks.order.capacity()), (0, None, 0));
}
