//! Subscriptions that the other end has made here.

use std::collections::HashMap;

use slab::Slab;

use super::cost;
use crate::hello::MOST;
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
    /// Of one that the other end counts; a plain peer takes what comes.
    credit: Option<Credit>,
}

/// How much of a stream the other end has room for.
#[derive(Debug, Clone, Copy)]
struct Credit {
    /// Bytes that may be sent; the last item may overdraw it.
    left: i64,
    /// What it never exceeds.
    window: i64,
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

    /// Opens one under this id, which nobody can guess, so none has it already; with a `window` the
    /// other end gives credit.
    pub(crate) fn insert(&mut self, id: Box<str>, request: Id, window: Option<u64>) -> OfferedKey {
        self.next_serial += 1;
        let serial = self.next_serial;
        let window = window.map(|window| window.min(MOST) as i64);
        let credit = window.map(|window| Credit { left: window, window });
        let (of_id, of_request) = (id.clone(), Some(request.clone()));
        let index =
            self.open.insert(Subscription { serial, id: of_id, request: of_request, credit });
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
        self.get(key).map(|it| &*it.id)
    }

    /// Whether the other end counts what comes of it.
    pub(crate) fn is_counted(&self, key: OfferedKey) -> bool {
        self.get(key).is_some_and(|it| it.credit.is_some())
    }

    /// Whether the other end has room for an item of it.
    pub(crate) fn has_credit(&self, key: OfferedKey) -> bool {
        self.get(key).is_some_and(|it| it.credit.is_none_or(|credit| credit.left > 0))
    }

    /// Whether some wait for credit.
    pub(crate) fn wait_for_credit(&self) -> bool {
        self.open.iter().any(|(_, it)| it.credit.is_some_and(|credit| credit.left <= 0))
    }

    /// Notes that an item with so many bytes of text was sent.
    pub(crate) fn spend(&mut self, key: OfferedKey, bytes: usize) {
        if let Some(it) = self.open.get_mut(key.index).filter(|it| it.serial == key.serial)
            && let Some(credit) = &mut it.credit
        {
            credit.left -= cost(bytes) as i64;
        }
    }

    /// Adds credit to the one with this id; it, if it may go on now and could not before.
    ///
    /// # Errors
    /// More than there can be room for.
    pub(crate) fn grant(&mut self, id: &str, bytes: u64) -> Result<Option<OfferedKey>, ()> {
        let Some(key) = self.find(id) else { return Ok(None) };
        let Some(credit) = &mut self.open[key.index].credit else { return Err(()) };
        let left = credit.left + i64::try_from(bytes).map_err(drop)?;
        if left > credit.window {
            return Err(());
        }
        let waited = credit.left <= 0;
        credit.left = left;
        Ok((waited && left > 0).then_some(key))
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

    fn get(&self, key: OfferedKey) -> Option<&Subscription> {
        self.open.get(key.index).filter(|it| it.serial == key.serial)
    }

    fn key(&self, index: usize) -> OfferedKey {
        OfferedKey { index, serial: self.open[index].serial }
    }
}

#[test]
fn a_subscription_is_found_by_its_id_and_by_its_request() {
    let mut offered = Offered::default();
    let seven = Id::new("7");
    let key = offered.insert("a".into(), seven.clone(), None);
    assert_eq!(offered.find("a"), Some(key));
    assert_eq!(offered.made_by(&seven), Some(key));
    offered.forget_request(&seven);
    assert_eq!(offered.made_by(&seven), None);
    assert!(offered.remove(key));
    assert!(!offered.remove(key));
    assert_eq!((offered.find("a"), offered.len()), (None, 0));
    let next = offered.insert("b".into(), seven.clone(), None);
    assert_eq!(next.index, key.index);
    assert_eq!(offered.id(key), None);
    offered.remove(next);
    assert_eq!(offered.made_by(&seven), None);
}

#[test]
fn a_stream_goes_on_while_it_has_credit_and_the_last_item_may_overdraw_it() {
    let mut offered = Offered::default();
    let key = offered.insert("a".into(), "1".into(), Some(100));
    offered.spend(key, 1);
    assert!(offered.has_credit(key), "it counts as 64");
    offered.spend(key, 1000);
    assert!(!offered.has_credit(key));
    assert!(offered.wait_for_credit());
    assert_eq!(offered.grant("a", 964), Ok(None));
    assert!(!offered.has_credit(key), "what was overdrawn comes first");
    assert_eq!(offered.grant("a", 1), Ok(Some(key)));
    assert_eq!(offered.grant("a", 1), Ok(None), "it was not waiting");
    for wrong in [99, u64::MAX] {
        assert_eq!(offered.grant("a", wrong), Err(()), "above the window");
    }
    assert!(offered.has_credit(key));
    assert_eq!(offered.grant("b", 1), Ok(None), "it may have ended");
    let plain = offered.insert("b".into(), "2".into(), None);
    offered.spend(plain, 1 << 40);
    assert!(offered.has_credit(plain));
    assert_eq!(offered.grant("b", 1), Err(()));
}
