//! Subscriptions that the other end has made here.

use std::collections::HashMap;

use slab::Slab;

use crate::id::Id;

/// Names one subscription; never two, though `index` is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfferedKey {
    pub(crate) index: usize,
    serial: u64,
}

struct Subscription {
    serial: u64,
    id: Box<str>,
    /// The request that made it, until that id is used again.
    request: Option<Id>,
}

/// The open subscriptions of one connection, by id.
#[derive(Default)]
pub(crate) struct Offered {
    open: Slab<Subscription>,
    by_id: HashMap<Box<str>, usize>,
    by_request: HashMap<Id, usize>,
    next_serial: u64,
}

impl Offered {
    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Opens one under this id, which nobody can guess, so none has it already.
    pub(crate) fn insert(&mut self, id: Box<str>, request: Id) -> OfferedKey {
        self.next_serial += 1;
        let serial = self.next_serial;
        let subscription = Subscription { serial, id: id.clone(), request: Some(request.clone()) };
        let index = self.open.insert(subscription);
        self.by_id.insert(id, index);
        self.by_request.insert(request, index);
        OfferedKey { index, serial }
    }

    /// The subscription with this id.
    pub(crate) fn find(&self, id: &str) -> Option<OfferedKey> {
        self.by_id.get(id).map(|index| self.key(*index))
    }

    /// The subscription that this request made.
    pub(crate) fn made_by(&self, request: &str) -> Option<OfferedKey> {
        self.by_request.get(request).map(|index| self.key(*index))
    }

    /// A request has this id again: it no longer names the subscription that an earlier one made.
    pub(crate) fn forget_request(&mut self, request: &str) {
        // Every request comes by here, and an empty map would still hash its id.
        if self.by_request.is_empty() {
            return;
        }
        if let Some(index) = self.by_request.remove(request) {
            self.open[index].request = None;
        }
    }

    /// The id of a subscription, if it is open.
    pub(crate) fn id(&self, key: OfferedKey) -> Option<&str> {
        self.open.get(key.index).filter(|it| it.serial == key.serial).map(|it| &*it.id)
    }

    /// Closes one; whether it was open.
    pub(crate) fn remove(&mut self, key: OfferedKey) -> bool {
        if self.id(key).is_none() {
            return false;
        }
        let subscription = self.open.remove(key.index);
        self.by_id.remove(&subscription.id);
        if let Some(request) = subscription.request {
            self.by_request.remove(&request);
        }
        true
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        *self = Self { next_serial: self.next_serial, ..Self::default() };
    }

    /// Gives back what a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.open.is_empty() && self.open.capacity() > 0 {
            self.clear();
        }
    }

    fn key(&self, index: usize) -> OfferedKey {
        OfferedKey { index, serial: self.open[index].serial }
    }
}

#[test]
fn a_subscription_is_found_by_its_id_and_by_its_request() {
    let mut offered = Offered::default();
    let seven = Id::new("7");
    let key = offered.insert("a".into(), seven.clone());
    assert_eq!(offered.find("a"), Some(key));
    assert_eq!(offered.made_by(&seven), Some(key));
    offered.forget_request(&seven);
    assert_eq!(offered.made_by(&seven), None);
    assert!(offered.remove(key));
    assert!(!offered.remove(key));
    assert_eq!((offered.find("a"), offered.len()), (None, 0));
    let next = offered.insert("b".into(), seven.clone());
    assert_eq!(next.index, key.index);
    assert_eq!(offered.id(key), None);
    offered.remove(next);
    assert_eq!(offered.made_by(&seven), None);
}
