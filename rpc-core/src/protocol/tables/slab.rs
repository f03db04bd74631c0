//! The one table of streams, whose values are named by an index and a generation, as in a slab: an index is
//! used again, a key never is.

use std::marker::PhantomData;

use crate::protocol::tables::key::Key;

/// Values of one kind, each under a [`Key`] of the kind `K`.
pub(crate) struct Slab<T, K> {
    /// In a box, which most connections never need.
    slots: Option<Box<Slots<T>>>,
    /// The generation that was given last.
    last: u64,
    kind: PhantomData<K>,
}

struct Slots<T> {
    all: Vec<Option<Entry<T>>>,
    /// The indices of free slots. The last one is used first.
    free: Vec<usize>,
}

struct Entry<T> {
    generation: u64,
    value: T,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { all: Vec::new(), free: Vec::new() }
    }
}

impl<T, K> Slab<T, K> {
    pub(crate) const fn new() -> Self {
        Self { slots: None, last: 0, kind: PhantomData }
    }

    /// Returns how many values there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.as_ref().map_or(0, |slots| slots.all.len() - slots.free.len())
    }

    /// Returns whether there is no value.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether memory is held, for values or for what a busy time left behind.
    pub(crate) fn has_memory(&self) -> bool {
        self.slots.is_some()
    }

    /// Returns how many values there ever were.
    pub(crate) fn generations(&self) -> u64 {
        self.last
    }

    /// Adds a value under a key that no value had before. Generations count up.
    pub(crate) fn register(&mut self, value: T) -> Key<K> {
        self.last += 1;
        let entry = Some(Entry { generation: self.last, value });
        let Slots { all, free } = &mut **self.slots.get_or_insert_default();
        let index = match free.pop() {
            Some(index) => {
                all[index] = entry;
                index
            }
            None => {
                all.push(entry);
                all.len() - 1
            }
        };
        Key::new(index, self.last)
    }

    /// Returns the value under this key, if it was not removed.
    pub(crate) fn get(&self, key: Key<K>) -> Option<&T> {
        let entry = self.slots.as_ref()?.all.get(key.index)?.as_ref()?;
        (entry.generation == key.generation).then_some(&entry.value)
    }

    /// Returns the value under this key, if it was not removed.
    pub(crate) fn get_mut(&mut self, key: Key<K>) -> Option<&mut T> {
        let entry = self.slots.as_mut()?.all.get_mut(key.index)?.as_mut()?;
        (entry.generation == key.generation).then_some(&mut entry.value)
    }

    /// Removes the value under this key. Returns `None` if it was removed before.
    pub(crate) fn remove(&mut self, key: Key<K>) -> Option<T> {
        let Slots { all, free } = &mut **self.slots.as_mut()?;
        let entry = all.get_mut(key.index)?.take_if(|entry| entry.generation == key.generation)?;
        free.push(key.index);
        Some(entry.value)
    }

    /// Returns all values with their keys, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key<K>, &T)> {
        let entries = self.slots.iter().flat_map(|slots| &slots.all).enumerate();
        entries.filter_map(|(index, slot)| {
            let entry = slot.as_ref()?;
            Some((Key::new(index, entry.generation), &entry.value))
        })
    }

    /// Removes all values, and gives back their memory. Keys that were given before name nothing from now
    /// on.
    pub(crate) fn clear(&mut self) {
        self.slots = None;
    }

    /// Gives back the memory that a busy time left behind, if there is no value.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() && self.has_memory() {
            self.clear();
        }
    }
}

#[cfg(test)]
mod properties;
