//! Streams that this end sends: subscriptions that the other end has made here, and params of calls
//! of this end.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use slab::Slab;

use super::{IncomingKey, cost};
use crate::util::keyed_hash::KeyedHash;
use crate::wire::hello::MOST;
use crate::wire::id::Id;

/// Names one subscription; never two, though `index` is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutgoingKey {
    pub(crate) index: usize,
    serial: u64,
}

struct Subscription {
    serial: u64,
    /// JSON text: a string, or a number.
    id: Box<str>,
    origin: Origin,
    /// Of one that the other end counts; a plain peer takes what comes.
    credit: Option<Credit>,
    /// Streams of the other end that came with the request, and end with this one.
    linked_streams: Vec<IncomingKey>,
}

/// What a stream belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The request of the other end that asked for it; none any more when its id is used again.
    Request(Option<Id>),
    /// The call of this end that it goes with.
    Call(u64),
}

/// How much of a stream the other end has room for.
#[derive(Debug, Clone, Copy)]
struct Credit {
    /// Bytes that may be sent; the last item may overdraw it.
    left: i64,
    /// What it never exceeds.
    window: i64,
}

impl Credit {
    fn new(window: u64) -> Self {
        let window = window.min(MOST) as i64;
        Self { left: window, window }
    }
}

/// The open streams of one connection, by id.
#[derive(Default)]
pub(crate) struct OutgoingStreams {
    open: Slab<Subscription>,
    /// Ids as JSON text, in our own spelling.
    by_id: HashMap<Box<str>, usize, FxBuildHasher>,
    /// Ids of the other end's choice, so hashed under a key: else they could be chosen to collide.
    by_request: HashMap<Id, usize, KeyedHash>,
    /// How many go with calls of this end.
    arguments: usize,
    next_serial: u64,
}

impl OutgoingStreams {
    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// How many there ever were.
    pub(crate) fn numbered(&self) -> u64 {
        self.next_serial
    }

    /// How many of those that are open go with calls of this end.
    pub(crate) fn arguments(&self) -> usize {
        self.arguments
    }

    /// Opens one under this id, JSON text that none has already; with a `window` the other end gives
    /// credit.
    pub(crate) fn insert(
        &mut self,
        id: Box<str>,
        origin: Origin,
        window: Option<u64>,
    ) -> OutgoingKey {
        self.next_serial += 1;
        let serial = self.next_serial;
        let entry = self.open.vacant_entry();
        let index = entry.key();
        self.by_id.insert(id.clone(), index);
        match &origin {
            Origin::Request(request) => {
                self.by_request.extend(request.clone().map(|id| (id, index)));
            }
            Origin::Call(_) => self.arguments += 1,
        }
        let credit = window.map(Credit::new);
        entry.insert(Subscription { serial, id, origin, credit, linked_streams: Vec::new() });
        OutgoingKey { index, serial }
    }

    /// The other end counts what comes of this one, and has so much room for it at first.
    pub(crate) fn set_window(&mut self, key: OutgoingKey, window: u64) {
        if let Some(it) = self.get_mut(key) {
            it.credit = Some(Credit::new(window));
        }
    }

    /// Has streams of the other end last as long as this one.
    pub(crate) fn link(&mut self, key: OutgoingKey, linked_streams: Vec<IncomingKey>) {
        if let Some(it) = self.get_mut(key) {
            it.linked_streams = linked_streams;
        }
    }

    /// The call of this end that it goes with.
    pub(crate) fn call(&self, key: OutgoingKey) -> Option<u64> {
        match self.get(key)?.origin {
            Origin::Call(id) => Some(id),
            Origin::Request(_) => None,
        }
    }

    /// The subscription with this id, as JSON text.
    pub(crate) fn find(&self, id: &str) -> Option<OutgoingKey> {
        let index = self.by_id.get(id).or_else(|| self.by_id.get(&respelled(id)?));
        index.map(|index| self.key(*index))
    }

    /// The subscription that this request made.
    pub(crate) fn made_by(&self, request: &str) -> Option<OutgoingKey> {
        self.by_request.get(request).map(|index| self.key(*index))
    }

    /// A request has this id again: it no longer names the subscription that an earlier one made.
    pub(crate) fn forget_request(&mut self, request: &str) {
        // Every request comes by here, and an empty map would still hash its id.
        if self.by_request.is_empty() {
            return;
        }
        if let Some(index) = self.by_request.remove(request) {
            self.open[index].origin = Origin::Request(None);
        }
    }

    /// The id of a subscription, as JSON text, if it is open.
    pub(crate) fn id(&self, key: OutgoingKey) -> Option<&str> {
        self.get(key).map(|it| &*it.id)
    }

    /// Whether the other end counts what comes of it.
    pub(crate) fn is_counted(&self, key: OutgoingKey) -> bool {
        self.get(key).is_some_and(|it| it.credit.is_some())
    }

    /// Whether the other end has room for an item of it.
    pub(crate) fn has_credit(&self, key: OutgoingKey) -> bool {
        self.get(key).is_some_and(|it| it.credit.is_none_or(|credit| credit.left > 0))
    }

    /// Whether some wait for credit.
    pub(crate) fn wait_for_credit(&self) -> bool {
        self.open.iter().any(|(_, it)| it.credit.is_some_and(|credit| credit.left <= 0))
    }

    /// Notes that an item with so many bytes of text was sent.
    pub(crate) fn spend(&mut self, key: OutgoingKey, bytes: usize) {
        if let Some(credit) = self.get_mut(key).and_then(|it| it.credit.as_mut()) {
            credit.left -= cost(bytes) as i64;
        }
    }

    /// Adds credit to the one with this id; it, if it may go on now and could not before.
    ///
    /// # Errors
    /// More than there can be room for.
    pub(crate) fn apply(&mut self, id: &str, bytes: u64) -> Result<Option<OutgoingKey>, ()> {
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

    /// Closes one. `None` if it was not open; else the streams of the other end that end with it.
    pub(crate) fn remove(&mut self, key: OutgoingKey) -> Option<Vec<IncomingKey>> {
        self.get(key)?;
        let subscription = self.open.remove(key.index);
        self.by_id.remove(&subscription.id);
        match subscription.origin {
            Origin::Request(request) => drop(request.map(|id| self.by_request.remove(&id))),
            Origin::Call(_) => self.arguments -= 1,
        }
        Some(subscription.linked_streams)
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

    fn get(&self, key: OutgoingKey) -> Option<&Subscription> {
        self.open.get(key.index).filter(|it| it.serial == key.serial)
    }

    fn get_mut(&mut self, key: OutgoingKey) -> Option<&mut Subscription> {
        self.open.get_mut(key.index).filter(|it| it.serial == key.serial)
    }

    fn key(&self, index: usize) -> OutgoingKey {
        OutgoingKey { index, serial: self.open[index].serial }
    }
}

/// An id in the spelling that ours have, if it had another: `"\u0061"` is `"a"`, and `1e2` is `100`.
#[cold]
fn respelled(id: &str) -> Option<Box<str>> {
    if id.starts_with('"') {
        let id = id.contains('\\').then(|| serde_json::from_str::<String>(id).ok())??;
        return serde_json::to_string(&id).ok().map(Box::from);
    }
    let number = crate::wire::id::whole(id)?.to_string();
    (number != id).then(|| number.into())
}

#[cfg(test)]
const A: &str = r#""a""#;
#[cfg(test)]
const B: &str = r#""b""#;

#[test]
fn a_subscription_is_found_by_its_id_and_by_its_request() {
    let mut outgoing = OutgoingStreams::default();
    let seven = Id::new("7");
    let request = || Origin::Request(Some(seven.clone()));
    let key = outgoing.insert(A.into(), request(), None);
    assert_eq!(outgoing.find(A), Some(key));
    assert_eq!(outgoing.made_by(&seven), Some(key));
    outgoing.forget_request(&seven);
    assert_eq!(outgoing.made_by(&seven), None);
    assert_eq!(outgoing.remove(key), Some(vec![]));
    assert_eq!(outgoing.remove(key), None);
    assert_eq!((outgoing.find(A), outgoing.len()), (None, 0));
    let next = outgoing.insert(B.into(), request(), None);
    assert_eq!(next.index, key.index);
    assert_eq!(outgoing.id(key), None);
    outgoing.remove(next);
    assert_eq!(outgoing.made_by(&seven), None);
}

#[test]
fn a_stream_goes_on_while_it_has_credit_and_the_last_item_may_overdraw_it() {
    let mut outgoing = OutgoingStreams::default();
    let key = outgoing.insert(A.into(), Origin::Call(1), Some(100));
    outgoing.spend(key, 1);
    assert!(outgoing.has_credit(key), "it counts as 64");
    outgoing.spend(key, 1000);
    assert!(!outgoing.has_credit(key));
    assert!(outgoing.wait_for_credit());
    assert_eq!(outgoing.apply(A, 964), Ok(None));
    assert!(!outgoing.has_credit(key), "what was overdrawn comes first");
    assert_eq!(outgoing.apply(A, 1), Ok(Some(key)));
    assert_eq!(outgoing.apply(A, 1), Ok(None), "it was not waiting");
    for wrong in [99, u64::MAX] {
        assert_eq!(outgoing.apply(A, wrong), Err(()), "above the window");
    }
    assert!(outgoing.has_credit(key));
    assert_eq!(outgoing.apply(B, 1), Ok(None), "it may have ended");
    let plain = outgoing.insert(B.into(), Origin::Request(None), None);
    outgoing.spend(plain, 1 << 40);
    assert!(outgoing.has_credit(plain));
    assert_eq!(outgoing.apply(B, 1), Err(()));
}

#[test]
fn an_id_is_found_however_it_is_spelled_and_a_string_is_no_number() {
    let mut outgoing = OutgoingStreams::default();
    let string = outgoing.insert(A.into(), Origin::Request(None), None);
    let number = outgoing.insert("100".into(), Origin::Request(None), None);
    for id in [A, r#""\u0061""#] {
        assert_eq!(outgoing.find(id), Some(string), "{id}");
    }
    for id in ["100", "1e2", "100.0"] {
        assert_eq!(outgoing.find(id), Some(number), "{id}");
    }
    for id in [r#""100""#, "a", "-100", "100.5", "null", "[100]", "true", r#""\""#] {
        assert_eq!(outgoing.find(id), None, "{id}");
    }
}
