//! Numbers by name, shared by all connections.

use std::collections::BTreeMap;

use rpc_core::{Change, Live, Streaming};

use crate::contract::NoRoom;

/// Bytes of a name.
pub(crate) const NAME: usize = 256;

/// How many counters there may be.
const COUNTERS: usize = 10_000;

/// A counter for each key.
#[derive(Default)]
pub(crate) struct Counters {
    by_key: Live<BTreeMap<String, u64>>,
}

impl Counters {
    /// Counts up; what the counter stands at then.
    pub(crate) fn incr(&self, key: &str) -> Result<u64, NoRoom> {
        self.by_key.update(|by_key| {
            if let Some(count) = by_key.get_mut(key) {
                *count += 1;
                return Ok(*count);
            }
            if by_key.len() >= COUNTERS {
                return Err(NoRoom::More { max: COUNTERS });
            }
            by_key.insert(within(key)?.to_owned(), 1);
            Ok(1)
        })
    }

    /// What a counter stands at.
    pub(crate) fn count(&self, key: &str) -> u64 {
        self.by_key.read(|by_key| by_key.get(key).copied().unwrap_or_default())
    }

    /// All counters, and how they change.
    pub(crate) fn watch(&self) -> Streaming<Change<BTreeMap<String, u64>>> {
        self.by_key.subscribe()
    }
}

/// The name, if it is not too long to be kept.
pub(crate) fn within(name: &str) -> Result<&str, NoRoom> {
    if name.len() <= NAME { Ok(name) } else { Err(NoRoom::Name { max: NAME }) }
}
