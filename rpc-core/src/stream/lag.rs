//! Policies for items when the receiver is too slow.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;

use super::emitted::Emitted;
use crate::protocol::tables::streams::InFlight;

/// What happens to a new item when the receiver has no room and the buffer is full; see
/// [`Streaming::lag`](crate::Streaming::lag).
#[derive(Debug)]
#[non_exhaustive]
pub enum Lag<T> {
    /// The source waits and makes no item. Nothing is lost.
    Wait,
    /// The oldest waiting item is dropped.
    DropOldest,
    /// The new item is dropped.
    DropNewest,
    /// The new item replaces a waiting item with the same key. If no item with its key waits, the new item joins the
    /// buffer; a full buffer drops its oldest item first. So a slow receiver gets the latest item of each key, each
    /// key in its turn. Made by [`latest_by`](Self::latest_by).
    ///
    /// Few items are on their way at a time, so that items are fresh when they are read: as many as the receiver reads
    /// during the shortest time from the sending of an item until the receiver has read it, and about two more. At the
    /// beginning that is one item of each key. A receiver that keeps up misses nothing. A receiver that needs 20 ms for
    /// each item, on a short link, reads an item 40 to 60 ms after the item was sent. This holds towards a receiver
    /// that speaks this framework's extensions; see [`Streaming::in_flight`](crate::Streaming::in_flight), which sets a
    /// number instead.
    LatestBy(LagKey<T>),
    /// The connection is closed with code 4008.
    Disconnect,
}

/// The key function of [`Lag::LatestBy`].
pub struct LagKey<T>(NewBuffer<T>);

type NewBuffer<T> = Box<dyn FnOnce(usize) -> Box<dyn Buffer<T>> + Send>;

impl<T> fmt::Debug for LagKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LagKey")
    }
}

impl<T: Send + 'static> Lag<T> {
    /// Creates [`LatestBy`](Self::LatestBy) with this key function.
    pub fn latest_by<K>(key: impl Fn(&T) -> K + Send + 'static) -> Self
    where
        K: Eq + Hash + Clone + Send + 'static,
    {
        Self::LatestBy(LagKey(Box::new(move |capacity| Box::new(Latest::new(key, capacity)))))
    }

    pub(super) fn buffer(self, capacity: usize) -> Option<Box<dyn Buffer<T>>> {
        let ring = |full| -> Box<dyn Buffer<T>> { Box::new(Ring::new(full, capacity)) };
        match self {
            Self::Wait => None,
            Self::DropOldest => Some(ring(Full::DropOldest)),
            Self::DropNewest => Some(ring(Full::DropNewest)),
            Self::Disconnect => Some(ring(Full::Overflow)),
            Self::LatestBy(key) => Some((key.0)(capacity)),
        }
    }
}

/// Waiting items, each with the number of items that are missing before it.
pub(super) trait Buffer<T>: Send {
    /// Adds an item, and returns how many items were lost.
    ///
    /// # Errors
    /// Returns an error if there is no room and no item may be lost.
    fn push(&mut self, item: Emitted<T>) -> Result<u64, Overflow>;

    /// Takes the next item, with the number of items that are missing before it.
    fn pop(&mut self) -> Option<(u64, Emitted<T>)>;

    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns what bounds the items that are on their way, unless the application says something else.
    fn in_flight(&self) -> Option<InFlight> {
        None
    }

    /// Returns how many items are missing after the last item.
    fn missed_after(&self) -> u64;
}

/// The buffer is full, and no item may be lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

enum Full {
    DropOldest,
    DropNewest,
    Overflow,
}

/// Items in their order.
struct Ring<T> {
    full: Full,
    capacity: usize,
    items: VecDeque<(u64, Emitted<T>)>,
    missed_after: u64,
}

impl<T> Ring<T> {
    fn new(full: Full, capacity: usize) -> Self {
        Self { full, capacity, items: VecDeque::new(), missed_after: 0 }
    }

    fn drop_oldest(&mut self) {
        let Some((missed, _)) = self.items.pop_front() else { return };
        match self.items.front_mut() {
            Some((missed_before, _)) => *missed_before += missed + 1,
            None => self.missed_after += missed + 1,
        }
    }
}

impl<T: Send> Buffer<T> for Ring<T> {
    fn push(&mut self, item: Emitted<T>) -> Result<u64, Overflow> {
        let is_full = self.items.len() >= self.capacity;
        match self.full {
            Full::Overflow if is_full => return Err(Overflow),
            Full::DropNewest if is_full => {
                self.missed_after += 1;
                return Ok(1);
            }
            Full::DropOldest if is_full => self.drop_oldest(),
            _ => {}
        }
        self.items.push_back((std::mem::take(&mut self.missed_after), item));
        Ok(u64::from(is_full))
    }

    fn pop(&mut self) -> Option<(u64, Emitted<T>)> {
        self.items.pop_front()
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn missed_after(&self) -> u64 {
        self.missed_after
    }
}

/// The latest item of each key, in the order in which the keys began to wait. A new item keeps the place of the item
/// that it replaces. If it moved to the end, a key that changes all the time would never have its turn.
struct Latest<T, K, F> {
    key: F,
    capacity: usize,
    line: VecDeque<K>,
    items: HashMap<K, (u64, Emitted<T>)>,
}

impl<T, K, F> Latest<T, K, F> {
    fn new(key: F, capacity: usize) -> Self {
        Self { key, capacity, line: VecDeque::new(), items: HashMap::new() }
    }
}

impl<T: Send, K: Eq + Hash + Clone + Send, F: Fn(&T) -> K + Send> Buffer<T> for Latest<T, K, F> {
    fn push(&mut self, item: Emitted<T>) -> Result<u64, Overflow> {
        let key = (self.key)(item.value());
        if let Some((missed, latest)) = self.items.get_mut(&key) {
            *missed += 1;
            *latest = item;
            return Ok(1);
        }
        let oldest = if self.line.len() >= self.capacity { self.pop() } else { None };
        let missed = oldest.map_or(0, |(missed, _)| missed + 1);
        // The next item to be sent reports the loss: the oldest item that is left, or the new item.
        match self.line.front().and_then(|front| self.items.get_mut(front)) {
            Some((missed_before, _)) => {
                *missed_before += missed;
                self.items.insert(key.clone(), (0, item));
            }
            None => drop(self.items.insert(key.clone(), (missed, item))),
        }
        self.line.push_back(key);
        Ok(u64::from(missed > 0))
    }

    fn pop(&mut self) -> Option<(u64, Emitted<T>)> {
        let key = self.line.pop_front()?;
        self.items.remove(&key)
    }

    fn len(&self) -> usize {
        self.line.len()
    }

    fn in_flight(&self) -> Option<InFlight> {
        Some(InFlight::Fresh)
    }

    fn missed_after(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own<T>((missed, item): (u64, Emitted<T>)) -> (u64, T) {
        match item {
            Emitted::Own(item) => (missed, item),
            Emitted::Shared(_) => unreachable!("no item of these tests is shared"),
        }
    }

    fn filled<T: Send + 'static>(
        lag: Lag<T>,
        capacity: usize,
        items: Vec<T>,
    ) -> (Vec<(u64, T)>, u64, u64) {
        let mut buffer = lag.buffer(capacity).unwrap();
        let mut lost = 0;
        for item in items {
            lost += buffer.push(Emitted::Own(item)).unwrap();
        }
        let missed_after = buffer.missed_after();
        let mut left = Vec::new();
        while let Some(item) = buffer.pop() {
            left.push(own(item));
        }
        assert!(buffer.is_empty());
        (left, missed_after, lost)
    }

    #[test]
    fn a_loss_is_counted_where_it_happened() {
        let items = || vec![1, 2, 3, 4, 5];
        assert_eq!(filled(Lag::DropOldest, 2, items()), (vec![(3, 4), (0, 5)], 0, 3));
        assert_eq!(filled(Lag::DropNewest, 2, items()), (vec![(0, 1), (0, 2)], 3, 3));
        assert_eq!(filled(Lag::DropOldest, 1, items()), (vec![(4, 5)], 0, 4));
        assert_eq!(filled(Lag::DropOldest, 9, vec![1, 2]), (vec![(0, 1), (0, 2)], 0, 0));
    }

    #[test]
    fn what_is_dropped_last_is_missing_before_what_comes_next() {
        let mut buffer = Lag::DropNewest.buffer(1).unwrap();
        for item in [1, 2, 3] {
            buffer.push(Emitted::Own(item)).unwrap();
        }
        assert_eq!(buffer.pop().map(own), Some((0, 1)));
        buffer.push(Emitted::Own(4)).unwrap();
        assert_eq!((buffer.pop().map(own), buffer.missed_after()), (Some((2, 4)), 0));
    }

    #[test]
    fn the_latest_of_each_key_keeps_the_place_of_the_first() {
        let latest = || Lag::latest_by(|item: &(&'static str, u8)| item.0);
        let items = vec![("a", 1), ("b", 1), ("a", 2), ("a", 3), ("c", 1)];
        let left = vec![(2, ("a", 3)), (0, ("b", 1)), (0, ("c", 1))];
        assert_eq!(filled(latest(), 3, items.clone()), (left, 0, 2));
        let left = vec![(3, ("b", 1)), (0, ("c", 1))];
        assert_eq!(filled(latest(), 2, items), (left, 0, 3), "`a` waited longest");
        let left = vec![(2, ("c", 1))];
        assert_eq!(filled(latest(), 1, vec![("a", 1), ("b", 1), ("c", 1)]), (left, 0, 2));
    }

    #[test]
    fn an_overflow_is_told() {
        let mut buffer = Lag::Disconnect.buffer(1).unwrap();
        let mut push = |item| buffer.push(Emitted::Own(item));
        assert_eq!((push(1), push(2)), (Ok(0), Err(Overflow)));
        assert!(Lag::<u8>::Wait.buffer(1).is_none());
    }
}
