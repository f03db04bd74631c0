//! Streams that this end sends: subscriptions that the other end has made here, and params of calls
//! of this end.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::{IncomingKey, OutgoingKey, cost};
use crate::protocol::tables::key::Outgoing;
use crate::protocol::tables::slab::Slab;
use crate::util::keyed_hash::KeyedHash;
use crate::wire::hello::MOST;
use crate::wire::id::Id;

struct Stream {
    /// JSON text: a string, or a number.
    id: Box<str>,
    origin: Origin,
    state: State,
    /// Streams of the other end that came with the request, and end with this one.
    linked_streams: Vec<IncomingKey>,
}

/// What a stream belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The request of the other end that asked for the stream; `None` when the id of the request is used
    /// again.
    Request(Option<Id>),
    /// The call of this end that the stream is a param of.
    Call(u64),
}

/// Whether an item of the stream may be sent. The picture is in [the module](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Always: the other end is a plain peer, which takes what comes.
    Unlimited,
    /// Yes: there is credit for `left` bytes, which are more than 0. The last item may overdraw it.
    Open { left: u64 },
    /// Not before credit for more than `debt` bytes has come.
    Blocked { debt: u64 },
}

impl State {
    /// The other end counts the bytes of the items, and has room for a window of them at first.
    fn counted(window: u64) -> Self {
        match window.min(MOST) {
            0 => Self::Blocked { debt: 0 },
            left => Self::Open { left },
        }
    }

    /// An item that counts for `bytes` is sent.
    fn send(&mut self, bytes: u64) {
        *self = match *self {
            Self::Unlimited => Self::Unlimited,
            Self::Open { left } if left > bytes => Self::Open { left: left - bytes },
            Self::Open { left } => Self::Blocked { debt: bytes - left },
            // An item may be sent whose stream has lost its credit meanwhile.
            Self::Blocked { debt } => Self::Blocked { debt: debt.saturating_add(bytes) },
        };
    }

    /// The other end grants `bytes`: it decides how far its window grows. Returns whether the stream was blocked and is
    /// open now.
    ///
    /// # Errors
    /// The credit is above all that there can be, or the other end does not count this stream.
    fn grant(&mut self, bytes: u64) -> Result<bool, ()> {
        let was_blocked = matches!(self, Self::Blocked { .. });
        *self = match *self {
            Self::Unlimited => return Err(()),
            Self::Open { left } => {
                let left = left.checked_add(bytes).filter(|left| *left <= MOST).ok_or(())?;
                Self::Open { left }
            }
            Self::Blocked { debt } if bytes <= debt => Self::Blocked { debt: debt - bytes },
            Self::Blocked { debt } if bytes - debt <= MOST => Self::Open { left: bytes - debt },
            Self::Blocked { .. } => return Err(()),
        };
        Ok(was_blocked && matches!(self, Self::Open { .. }))
    }
}

/// The open streams of one connection, by id.
pub(crate) struct OutgoingStreams {
    open: Slab<Stream, Outgoing>,
    /// In a box, which a connection without streams does not have.
    keys: Option<Box<Keys>>,
    /// How many streams are params of calls of this end.
    arguments: usize,
}

/// The keys of the open streams.
#[derive(Default)]
struct Keys {
    /// Ids as JSON text, in our own spelling.
    by_id: HashMap<Box<str>, OutgoingKey, FxBuildHasher>,
    /// Ids of the other end's choice, so hashed under a key: else they could be chosen to collide.
    by_request: HashMap<Id, OutgoingKey, KeyedHash>,
}

impl Default for OutgoingStreams {
    fn default() -> Self {
        Self { open: Slab::new(), keys: None, arguments: 0 }
    }
}

impl OutgoingStreams {
    /// Returns how many streams are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Returns how many streams there were since the start of the connection.
    pub(crate) fn numbered(&self) -> u64 {
        self.open.generations()
    }

    /// Returns how many open streams are params of calls of this end.
    pub(crate) fn arguments(&self) -> usize {
        self.arguments
    }

    /// Adds a stream under an id, as JSON text, that no open stream has. With a `window` the other end
    /// gives credit.
    pub(crate) fn register(
        &mut self,
        id: Box<str>,
        origin: Origin,
        window: Option<u64>,
    ) -> OutgoingKey {
        let request = match &origin {
            Origin::Request(request) => request.clone(),
            Origin::Call(_) => None,
        };
        self.arguments += usize::from(matches!(origin, Origin::Call(_)));
        let state = window.map_or(State::Unlimited, State::counted);
        let linked_streams = Vec::new();
        let key = self.open.register(Stream { id: id.clone(), origin, state, linked_streams });
        let keys = self.keys.get_or_insert_default();
        keys.by_id.insert(id, key);
        keys.by_request.extend(request.map(|id| (id, key)));
        key
    }

    /// Notes that the other end counts the items, and has room for a `window` of bytes at first.
    pub(crate) fn set_window(&mut self, key: OutgoingKey, window: u64) {
        if let Some(it) = self.open.get_mut(key) {
            it.state = State::counted(window);
        }
    }

    /// Links streams of the other end, which end with this stream.
    pub(crate) fn link(&mut self, key: OutgoingKey, linked_streams: Vec<IncomingKey>) {
        if let Some(it) = self.open.get_mut(key) {
            it.linked_streams = linked_streams;
        }
    }

    /// The call of this end that the stream is a param of.
    pub(crate) fn call(&self, key: OutgoingKey) -> Option<u64> {
        match self.open.get(key)?.origin {
            Origin::Call(id) => Some(id),
            Origin::Request(_) => None,
        }
    }

    /// Returns the stream with this id, as JSON text.
    pub(crate) fn find(&self, id: &str) -> Option<OutgoingKey> {
        let by_id = &self.keys.as_ref()?.by_id;
        by_id.get(id).or_else(|| by_id.get(&respelled(id)?)).copied()
    }

    /// Returns the stream that this request asked for.
    pub(crate) fn made_by(&self, request: &str) -> Option<OutgoingKey> {
        self.keys.as_ref()?.by_request.get(request).copied()
    }

    /// Notes that a new request has this id: the id no longer names the stream that an earlier request
    /// asked for.
    pub(crate) fn forget_request(&mut self, request: &str) {
        // Every request comes by here, and an empty map would still hash its id.
        let Some(keys) = self.keys.as_mut().filter(|keys| !keys.by_request.is_empty()) else {
            return;
        };
        let key = keys.by_request.remove(request);
        if let Some(stream) = key.and_then(|key| self.open.get_mut(key)) {
            stream.origin = Origin::Request(None);
        }
    }

    /// Returns the id of a stream, as JSON text, if it is open.
    pub(crate) fn id(&self, key: OutgoingKey) -> Option<&str> {
        self.open.get(key).map(|it| &*it.id)
    }

    /// Returns whether the other end counts the items.
    pub(crate) fn is_counted(&self, key: OutgoingKey) -> bool {
        self.open.get(key).is_some_and(|it| it.state != State::Unlimited)
    }

    /// Returns whether the other end has room for an item.
    pub(crate) fn has_credit(&self, key: OutgoingKey) -> bool {
        self.open.get(key).is_some_and(|it| !matches!(it.state, State::Blocked { .. }))
    }

    /// Returns whether a stream waits for credit.
    pub(crate) fn wait_for_credit(&self) -> bool {
        self.open.iter().any(|(_, it)| matches!(it.state, State::Blocked { .. }))
    }

    /// Notes that an item with this number of bytes of text was sent.
    pub(crate) fn spend(&mut self, key: OutgoingKey, bytes: usize) {
        if let Some(it) = self.open.get_mut(key) {
            it.state.send(cost(bytes) as u64);
        }
    }

    /// Adds credit to the stream with this id. Returns the stream if it was blocked and may go on now.
    ///
    /// # Errors
    /// The credit is above all that there can be, or the stream is not counted.
    pub(crate) fn grant(&mut self, id: &str, bytes: u64) -> Result<Option<OutgoingKey>, ()> {
        let Some(key) = self.find(id) else { return Ok(None) };
        let Some(it) = self.open.get_mut(key) else { return Ok(None) };
        Ok(it.state.grant(bytes)?.then_some(key))
    }

    /// Removes a stream. Returns the streams of the other end that end with it; `None` if it was not
    /// open.
    pub(crate) fn remove(&mut self, key: OutgoingKey) -> Option<Vec<IncomingKey>> {
        let stream = self.open.remove(key)?;
        if let Some(keys) = &mut self.keys {
            keys.by_id.remove(&stream.id);
            if let Origin::Request(Some(request)) = &stream.origin {
                keys.by_request.remove(request);
            }
        }
        self.arguments -= usize::from(matches!(stream.origin, Origin::Call(_)));
        Some(stream.linked_streams)
    }

    /// Removes the streams that the other end has asked for. Returns their keys.
    pub(crate) fn remove_subscriptions(&mut self) -> Vec<OutgoingKey> {
        let subscriptions =
            self.open.iter().filter(|(_, it)| matches!(it.origin, Origin::Request(_)));
        let keys: Vec<_> = subscriptions.map(|(key, _)| key).collect();
        keys.iter().for_each(|key| drop(self.remove(*key)));
        keys
    }

    /// Removes all streams.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.keys = None;
        self.arguments = 0;
    }

    /// Gives back the memory that a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.open.is_empty() && self.open.has_memory() {
            self.clear();
        }
    }
}

/// Returns an id in the spelling of this end, if it had another: `"\u0061"` is `"a"`, and `1e2` is `100`.
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
    let key = outgoing.register(A.into(), request(), None);
    assert_eq!(outgoing.find(A), Some(key));
    assert_eq!(outgoing.made_by(&seven), Some(key));
    outgoing.forget_request(&seven);
    assert_eq!(outgoing.made_by(&seven), None);
    assert_eq!(outgoing.remove(key), Some(vec![]));
    assert_eq!(outgoing.remove(key), None);
    assert_eq!((outgoing.find(A), outgoing.len()), (None, 0));
    let next = outgoing.register(B.into(), request(), None);
    assert_eq!(next.index, key.index);
    assert_eq!(outgoing.id(key), None);
    outgoing.remove(next);
    assert_eq!(outgoing.made_by(&seven), None);
}

#[test]
fn a_stream_goes_on_while_it_has_credit_and_the_last_item_may_overdraw_it() {
    let mut outgoing = OutgoingStreams::default();
    let key = outgoing.register(A.into(), Origin::Call(1), Some(100));
    outgoing.spend(key, 1);
    assert!(outgoing.has_credit(key), "it counts as 64");
    outgoing.spend(key, 1000);
    assert!(!outgoing.has_credit(key));
    assert!(outgoing.wait_for_credit());
    assert_eq!(outgoing.grant(A, 964), Ok(None));
    assert!(!outgoing.has_credit(key), "what was overdrawn comes first");
    assert_eq!(outgoing.grant(A, 1), Ok(Some(key)));
    assert_eq!(outgoing.grant(A, 1), Ok(None), "it was not waiting");
    assert_eq!(outgoing.grant(A, 1 << 20), Ok(None), "the window has grown");
    for wrong in [MOST, u64::MAX] {
        assert_eq!(outgoing.grant(A, wrong), Err(()), "above all that there can be");
    }
    assert!(outgoing.has_credit(key));
    assert_eq!(outgoing.grant(B, 1), Ok(None), "it may have ended");
    let plain = outgoing.register(B.into(), Origin::Request(None), None);
    outgoing.spend(plain, 1 << 40);
    assert!(outgoing.has_credit(plain));
    assert_eq!(outgoing.grant(B, 1), Err(()));
}

#[test]
fn an_id_is_found_however_it_is_spelled_and_a_string_is_no_number() {
    let mut outgoing = OutgoingStreams::default();
    let string = outgoing.register(A.into(), Origin::Request(None), None);
    let number = outgoing.register("100".into(), Origin::Request(None), None);
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
