//! Subscriptions that this end has made at the other.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;
use slab::Slab;

use crate::close::CloseReason;
use crate::error::ErrorObject;

/// An item counts for at least so many bytes, or empty ones would fill the memory for free.
const LEAST: usize = 64;

/// Names one subscription; never two, though `index` is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TakenKey {
    index: usize,
    serial: u64,
}

/// Something of a stream, in its order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// The JSON text of an item.
    Result(Box<str>),
    /// So many items are missing here.
    Gap(u64),
    /// The stream ends with this error.
    Error(ErrorObject),
    /// The stream ends with the connection.
    Closed(CloseReason),
}

/// The params of a notification that carries an item.
#[derive(Deserialize)]
pub(crate) struct ItemParams<'a> {
    /// The id, as JSON text: other peers have numbers for it.
    #[serde(borrow)]
    pub(crate) subscription: &'a RawValue,
    #[serde(borrow, default)]
    pub(crate) result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) error: Option<&'a RawValue>,
}

struct Subscription<W> {
    serial: u64,
    id: Box<str>,
    unsubscribe: Cow<'static, str>,
    items: VecDeque<Item>,
    bytes: usize,
    /// Nothing comes after what is there.
    ended: bool,
    waiter: Option<W>,
}

/// The open subscriptions of one connection, by id.
pub(crate) struct Taken<W> {
    open: Slab<Subscription<W>>,
    by_id: HashMap<Box<str>, usize>,
    next_serial: u64,
}

impl<W> Taken<W> {
    pub(crate) fn new() -> Self {
        Self { open: Slab::new(), by_id: HashMap::new(), next_serial: 0 }
    }

    /// How many there are, those that have ended and were not dropped included.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none can get an item.
    pub(crate) fn is_idle(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Begins one under the id, as JSON text, that the other end gave it; `None` if that is in use.
    pub(crate) fn insert(&mut self, id: &str, unsubscribe: Cow<'static, str>) -> Option<TakenKey> {
        if self.by_id.contains_key(id) {
            return None;
        }
        self.next_serial += 1;
        let serial = self.next_serial;
        let index = self.open.insert(Subscription {
            serial,
            id: id.into(),
            unsubscribe,
            items: VecDeque::new(),
            bytes: 0,
            ended: false,
            waiter: None,
        });
        self.by_id.insert(id.into(), index);
        Some(TakenKey { index, serial })
    }

    /// The subscription with this id, as JSON text, if it can get an item.
    pub(crate) fn find(&self, id: &str) -> Option<TakenKey> {
        let index = *self.by_id.get(id)?;
        Some(TakenKey { index, serial: self.open[index].serial })
    }

    /// Adds an item; one that finds more than `window` bytes waiting becomes a gap. Returns who
    /// waits for it.
    pub(crate) fn push(&mut self, key: TakenKey, item: Item, window: usize) -> Option<W> {
        let subscription = self.get_mut(key)?;
        if let Item::Result(json) = &item {
            let bytes = json.len().max(LEAST);
            if subscription.bytes + bytes > window.max(bytes) {
                subscription.miss();
                return subscription.waiter.take();
            }
            subscription.bytes += bytes;
            subscription.items.push_back(item);
            return subscription.waiter.take();
        }
        subscription.items.push_back(item);
        subscription.ended = true;
        let waiter = subscription.waiter.take();
        let id = std::mem::take(&mut subscription.id);
        self.by_id.remove(&id);
        waiter
    }

    /// The next item. `Some(None)` is the end; with `None`, `waiter` is told of what comes.
    pub(crate) fn next(
        &mut self,
        key: TakenKey,
        waiter: impl FnOnce(Option<W>) -> W,
    ) -> Option<Option<Item>> {
        let Some(subscription) = self.get_mut(key) else { return Some(None) };
        if let Some(item) = subscription.items.pop_front() {
            if let Item::Result(json) = &item {
                subscription.bytes -= json.len().max(LEAST);
            }
            return Some(Some(item));
        }
        if subscription.ended {
            return Some(None);
        }
        subscription.waiter = Some(waiter(subscription.waiter.take()));
        None
    }

    /// Forgets a subscription; `Some` is what to send so that the other end does, too: the method
    /// and the id, as JSON text.
    pub(crate) fn remove(&mut self, key: TakenKey) -> Option<(Cow<'static, str>, Box<str>)> {
        self.get_mut(key)?;
        let subscription = self.open.remove(key.index);
        if self.open.is_empty() {
            self.open = Slab::new();
            self.by_id = HashMap::new();
        } else {
            self.by_id.remove(&subscription.id);
        }
        (!subscription.ended).then_some((subscription.unsubscribe, subscription.id))
    }

    /// Ends all with the connection; returns who waits for items.
    pub(crate) fn end(&mut self, reason: &CloseReason) -> Vec<W> {
        self.by_id.clear();
        let open = self.open.iter_mut().map(|(_, subscription)| subscription);
        open.filter(|subscription| !subscription.ended)
            .filter_map(|subscription| {
                subscription.items.push_back(Item::Closed(reason.clone()));
                subscription.ended = true;
                subscription.waiter.take()
            })
            .collect()
    }

    fn get_mut(&mut self, key: TakenKey) -> Option<&mut Subscription<W>> {
        self.open.get_mut(key.index).filter(|subscription| subscription.serial == key.serial)
    }
}

impl<W> Subscription<W> {
    /// Notes that an item is missing after those that are there.
    fn miss(&mut self) {
        match self.items.back_mut() {
            Some(Item::Gap(missing)) => *missing += 1,
            _ => self.items.push_back(Item::Gap(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestTaken = Taken<&'static str>;

    fn item(json: &str) -> Item {
        Item::Result(json.into())
    }

    #[test]
    fn items_come_in_their_order_and_then_the_end() {
        let mut taken = TestTaken::new();
        let key = taken.insert("\"a\"", "stop".into()).unwrap();
        assert_eq!(taken.insert("\"a\"", "stop".into()), None);
        assert_eq!(taken.next(key, |_| "waker"), None);
        assert_eq!(taken.push(key, item("1"), 1000), Some("waker"));
        let error = Item::Error(ErrorObject::new(1, "m"));
        taken.push(key, error.clone(), 1000);
        assert_eq!(taken.find("\"a\""), None, "nothing comes any more");
        let mut next = || taken.next(key, |_| unreachable!());
        assert_eq!(next(), Some(Some(item("1"))));
        assert_eq!(next(), Some(Some(error)));
        assert_eq!(next(), Some(None));
        assert_eq!(taken.remove(key), None, "the other end has ended it");
        assert_eq!(taken.len(), 0);
    }

    #[test]
    fn what_does_not_fit_is_one_gap_in_its_place() {
        let mut taken = TestTaken::new();
        let key = taken.insert("1", "stop".into()).unwrap();
        for number in ["1", "2", "3", "4"] {
            taken.push(key, item(number), 2 * LEAST);
        }
        let mut next = || taken.next(key, |_| "waker");
        assert_eq!([next(), next()], [Some(Some(item("1"))), Some(Some(item("2")))]);
        assert_eq!(next(), Some(Some(Item::Gap(2))));
        assert_eq!(next(), None);
        let large = item(&"x".repeat(1000));
        taken.push(key, large.clone(), 100);
        assert_eq!(taken.next(key, |_| "w"), Some(Some(large)), "alone it may be larger");
    }

    #[test]
    fn one_that_is_dropped_is_to_be_unsubscribed() {
        let mut taken = TestTaken::new();
        let key = taken.insert("7", "stop".into()).unwrap();
        assert_eq!(taken.remove(key), Some(("stop".into(), "7".into())));
        assert_eq!(taken.remove(key), None);
        assert!(taken.is_idle());
    }
}
