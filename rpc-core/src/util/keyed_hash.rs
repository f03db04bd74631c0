//! Hashing under a key that no peer knows, for ids that peers choose.
//!
//! Ids could be chosen to collide otherwise, and make each message cost as much as all that are kept. The key is one
//! for the process: each of three maps of a connection would take 16 bytes for one of its own.

use std::hash::{BuildHasher, DefaultHasher, RandomState};
use std::sync::OnceLock;

/// Makes hashers under the key of this process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyedHash;

impl BuildHasher for KeyedHash {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        KEY.get_or_init(RandomState::new).build_hasher()
    }
}

#[test]
fn the_key_is_one_for_all_maps_and_takes_no_room() {
    assert_eq!(KeyedHash.hash_one("7"), KeyedHash.hash_one("7"));
    assert_eq!(size_of::<KeyedHash>(), 0);
}

#[test]
fn nobody_can_compute_a_hash_without_the_key() {
    use std::hash::Hasher;

    let mut known = DefaultHasher::new();
    known.write(b"7");
    known.write_u8(0xff);
    assert_ne!(KeyedHash.hash_one("7"), known.finish());
}
