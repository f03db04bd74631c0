//! The one table of values that are named by an index and a generation, as in a slab: an index is used
//! again, a key never is.

use std::marker::PhantomData;

use crate::protocol::tables::key::Key;

/// Values of one kind, each under a [`Key`] of the kind `K`.
///
/// The values stay where they are: a slot keeps its value when it is freed, and the next value is written
/// over it. So a record of many fields can be filled and emptied field by field. Moving records in and out
/// as a whole took a twentieth of the time of a call.
pub(crate) struct Slab<T, K> {
    slots: Vec<Slot<T>>,
    /// The indices of free slots. The last one is used first.
    free: Vec<usize>,
    /// The generation that was given last.
    last: u64,
    kind: PhantomData<K>,
}

struct Slot<T> {
    /// 0 in a free slot.
    generation: u64,
    value: T,
}

impl<T: Default, K: Copy> Slab<T, K> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), last: 0, kind: PhantomData }
    }

    /// Returns how many values there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Returns whether there is no value.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a new generation, which no value had before. Generations count up.
    pub(crate) fn next_generation(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Leaves out this many generations.
    pub(crate) fn skip_generations(&mut self, count: usize) {
        self.last += count as u64;
    }

    /// Returns how many generations were given or left out.
    pub(crate) fn generations(&self) -> u64 {
        self.last
    }

    /// Adds a value under a new generation.
    pub(crate) fn register(&mut self, value: T) -> Key<K> {
        let generation = self.next_generation();
        let (key, place) = self.register_in_place(generation);
        *place = value;
        key
    }

    /// Takes a slot for a value under a generation that [`next_generation`](Self::next_generation) gave, and
    /// that is not used yet. Returns the place of the value, which holds what was left there.
    #[inline(always)] // once for each request
    pub(crate) fn register_in_place(&mut self, generation: u64) -> (Key<K>, &mut T) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, value: T::default() });
            self.slots.len() - 1
        });
        let slot = &mut self.slots[index];
        slot.generation = generation;
        (Key::new(index, generation), &mut slot.value)
    }

    /// Returns whether memory is held, for values or for what a busy time left behind.
    pub(crate) fn has_memory(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Returns whether there is a value under this key.
    pub(crate) fn contains(&self, key: Key<K>) -> bool {
        self.get(key).is_some()
    }

    /// Returns the value under this key, if it was not removed.
    #[inline]
    pub(crate) fn get(&self, key: Key<K>) -> Option<&T> {
        let slot = self.slots.get(key.index)?;
        (slot.generation == key.generation).then_some(&slot.value)
    }

    /// Returns the value under this key, if it was not removed.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key<K>) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index)?;
        (slot.generation == key.generation).then_some(&mut slot.value)
    }

    /// Removes the value under this key, if that has not happened.
    pub(crate) fn remove(&mut self, key: Key<K>) -> Option<T> {
        self.remove_in_place(key).map(std::mem::take)
    }

    /// Frees the slot of a value, if that has not happened. Returns the value where it lies, to be emptied.
    #[inline(always)] // once for each request
    pub(crate) fn remove_in_place(&mut self, key: Key<K>) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.generation = 0;
        self.free.push(key.index);
        Some(&mut slot.value)
    }

    /// Returns all values with their keys, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key<K>, &T)> {
        let slots = self.slots.iter().enumerate().filter(|(_, slot)| slot.generation != 0);
        slots.map(|(index, slot)| (Key::new(index, slot.generation), &slot.value))
    }

    /// Removes all values and returns them. Keys that were given before name nothing from now on.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + use<T, K> {
        self.free = Vec::new();
        let slots = std::mem::take(&mut self.slots).into_iter();
        slots.filter(|slot| slot.generation != 0).map(|slot| slot.value)
    }

    /// Gives back the memory that a busy time left behind, if there is no value.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() && self.has_memory() {
            (self.slots, self.free) = (Vec::new(), Vec::new());
        }
    }
}

#[cfg(test)]
mod properties;
