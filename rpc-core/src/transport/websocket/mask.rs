//! The mask of a client's frames (RFC 6455, section 5.3), by many bytes at a time.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// A key of four bytes, by which the bytes of a payload are changed in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Returns a mask that nobody can foretell: what a program sends must not decide which bytes are on the wire. It is
    /// a number, hashed under a secret key of the thread. To ask the system for each frame takes longer than the frame.
    pub(super) fn random() -> Self {
        thread_local! {
            static KEY: RandomState = RandomState::new();
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        let next = NEXT.replace(NEXT.get().wrapping_add(1));
        let [a, b, c, d, ..] = KEY.with(|key| key.hash_one(next)).to_le_bytes();
        Self([a, b, c, d])
    }

    pub(super) const fn key(self) -> [u8; 4] {
        self.0
    }

    /// Changes bytes of a payload, of which `self` is the mask of the first. To change them again gives what they were.
    #[inline]
    pub(super) fn apply(self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let key = [a, b, c, d, a, b, c, d];
        // The compiler makes of these the widest words that the processor has.
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ u64::from_ne_bytes(key)).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(key) {
            *byte ^= key;
        }
    }

    /// Returns the mask of the byte that comes so many bytes later.
    pub(super) fn after(self, bytes: usize) -> Self {
        let mut key = self.0;
        key.rotate_left(bytes % 4);
        Self(key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bytes_are_changed_as_one_by_one_wherever_they_are_cut(
            key: [u8; 4],
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            cut in 0..300_usize,
        ) {
            let changed: Vec<u8> =
                bytes.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            let mut in_two = bytes.clone();
            let cut = cut.min(bytes.len());
            let (first, second) = in_two.split_at_mut(cut);
            Mask::new(key).apply(first);
            Mask::new(key).after(cut).apply(second);
            prop_assert_eq!(in_two, changed);
        }
    }

    #[test]
    fn no_two_masks_are_alike_and_no_two_threads_have_the_same() {
        let here: Vec<_> = (0..8).map(|_| Mask::random().key()).collect();
        let there = std::thread::spawn(|| (0..8).map(|_| Mask::random().key()).collect::<Vec<_>>());
        let mut all = [here, there.join().unwrap()].concat();
        all.sort_unstable();
        all.dedup();
        assert!(all.len() >= 15, "{all:?}");
    }
}
