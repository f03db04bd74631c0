//! Hashing with a secret key, for ids that peers choose.
//!
//! Without a secret key a peer could choose ids that collide, so that each message costs as much time as there are ids
//! in the table. The process has one key: a key for each map would take 16 bytes, three times for each connection.

use std::hash::{BuildHasher, DefaultHasher, RandomState};
use std::sync::OnceLock;

/// Makes hashers with the key of this process.
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
