//! Streams that this end sends: subscriptions that the other end has made here, and params of calls
//! of this end.

use std::collections::HashMap;
use std::time::Duration;

use rustc_hash::FxBuildHasher;

use super::flight::{Flight, InFlight};
use super::{IncomingKey, OutgoingKey, cost};
use crate::protocol::tables::key::Outgoing;
use crate::protocol::tables::slab::Slab;
use crate::util::keyed_hash::KeyedHash;
use crate::wire::hello::MOST;
use crate::wire::id::Id;

/// So many bytes of a bounded stream may wait in the queue to a plain peer, and the last item. One item alone would cost
/// a flush each.
const LITTLE: usize = 4096;

struct Stream {
    /// JSON text: a string, or a number.
    id: Box<str>,
    origin: Origin,
    state: State,
    /// Streams of the other end that came with the request, and end with this one.
    linked_streams: Vec<IncomingKey>,
    /// What bounds the items on their way, if more does than the credit.
    bounded: Option<Box<Bounded>>,
}

/// A stream of which few items are to be on their way.
struct Bounded {
    flight: Flight,
    /// What waits to be sent to a plain peer, which never tells what was consumed.
    unsent: Unsent,
    /// The stream was refused an item, and is told when an item may leave.
    is_waiting: bool,
}

/// Items in the queue and in the transport.
#[derive(Default)]
struct Unsent {
    bytes: usize,
    /// The ticket of the last item.
    last: u64,
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

    fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked { .. })
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
        let was_blocked = self.is_blocked();
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

impl Stream {
    fn waits_for_credit(&self) -> bool {
        let is_full = |it: &Bounded| it.is_waiting && it.flight.is_full();
        self.state.is_blocked() || self.bounded.as_deref().is_some_and(is_full)
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
    /// Bounded streams to a plain peer that have unsent items.
    unsent: Vec<OutgoingKey>,
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
        let bounded = None;
        let stream = Stream { id: id.clone(), origin, state, linked_streams, bounded };
        let key = self.open.register(stream);
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

    /// Bounds the items of a stream that are on their way. `is_answered` tells whether the other end gives credit as
    /// soon as an item that asks for it is consumed.
    pub(crate) fn bound(&mut self, key: OutgoingKey, bound: InFlight, is_answered: bool) {
        if let Some(it) = self.open.get_mut(key) {
            let flight = Flight::new(bound, is_answered);
            let bounded = Bounded { flight, unsent: Unsent::default(), is_waiting: false };
            it.bounded = Some(Box::new(bounded));
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

    /// Returns whether an item may leave, while so many items with different keys wait. If not, the stream is told when
    /// one may.
    pub(crate) fn has_room(&mut self, key: OutgoingKey, waiting: usize) -> bool {
        let Some(it) = self.open.get_mut(key) else { return false };
        let Some(bounded) = &mut it.bounded else { return !it.state.is_blocked() };
        let has_room = match it.state {
            State::Unlimited => bounded.unsent.bytes < LITTLE,
            State::Open { .. } => bounded.flight.has_room(waiting),
            State::Blocked { .. } => false,
        };
        bounded.is_waiting = !has_room;
        has_room
    }

    /// Returns the credit of a stream, in bytes.
    pub(crate) fn credit(&self, key: OutgoingKey) -> usize {
        match self.open.get(key).map(|it| it.state) {
            Some(State::Unlimited) => usize::MAX,
            Some(State::Open { left }) => usize::try_from(left).unwrap_or(usize::MAX),
            Some(State::Blocked { .. }) | None => 0,
        }
    }

    /// Returns whether more than the credit bounds the items on their way.
    pub(crate) fn is_bounded(&self, key: OutgoingKey) -> bool {
        self.open.get(key).is_some_and(|it| it.bounded.is_some())
    }

    /// Returns whether the next item asks for credit as soon as it is consumed.
    pub(crate) fn asks_credit(&self, key: OutgoingKey) -> bool {
        let bounded = self.open.get(key).and_then(|it| it.bounded.as_ref());
        bounded.is_some_and(|bounded| bounded.flight.asks())
    }

    /// Returns whether a stream waits for credit.
    pub(crate) fn wait_for_credit(&self) -> bool {
        self.open.iter().any(|(_, it)| it.waits_for_credit())
    }

    /// Notes that items were sent that count for this number of bytes.
    pub(crate) fn spend(&mut self, key: OutgoingKey, bytes: usize) {
        if let Some(it) = self.open.get_mut(key) {
            it.state.send(cost(bytes) as u64);
        }
    }

    /// Notes that an item is in the queue under this `ticket`, with so many bytes. It has a number if the other end
    /// counts items.
    pub(crate) fn queued(
        &mut self,
        key: OutgoingKey,
        (ticket, bytes): (u64, usize),
        seq: Option<u64>,
        now: Duration,
    ) {
        let bounded = self.open.get_mut(key).and_then(|it| it.bounded.as_mut());
        match (bounded, seq) {
            (None, _) => {}
            (Some(bounded), Some(seq)) => bounded.flight.send(seq, now),
            (Some(bounded), None) => {
                let is_first = bounded.unsent.bytes == 0;
                bounded.unsent.bytes += bytes;
                bounded.unsent.last = ticket;
                if let Some(keys) = self.keys.as_mut().filter(|_| is_first) {
                    keys.unsent.push(key);
                }
            }
        }
    }

    /// Returns whether a bounded stream to a plain peer has unsent items.
    pub(crate) fn have_unsent(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| !keys.unsent.is_empty())
    }

    /// Notes that the items were sent of which `is_sent` tells that, by their tickets. Returns the streams that were
    /// refused an item and may go on now.
    pub(crate) fn take_sent(&mut self, is_sent: impl Fn(u64) -> bool) -> Vec<OutgoingKey> {
        let mut released = Vec::new();
        let Some(keys) = &mut self.keys else { return released };
        keys.unsent.retain(|key| {
            let bounded = self.open.get_mut(*key).and_then(|it| it.bounded.as_mut());
            let Some(bounded) = bounded else { return false };
            if !is_sent(bounded.unsent.last) {
                return true;
            }
            bounded.unsent = Unsent::default();
            released.extend(std::mem::take(&mut bounded.is_waiting).then_some(*key));
            false
        });
        released
    }

    /// Adds credit to the stream with this id, of which the item with the number `seq` was consumed last, if that is
    /// known. Returns the stream if it was refused an item and may go on now.
    ///
    /// # Errors
    /// The credit is above all that there can be, or the stream is not counted.
    pub(crate) fn grant(
        &mut self,
        id: &str,
        bytes: u64,
        seq: Option<u64>,
        now: Duration,
    ) -> Result<Option<OutgoingKey>, ()> {
        let Some(key) = self.find(id) else { return Ok(None) };
        let Some(it) = self.open.get_mut(key) else { return Ok(None) };
        let is_opened = it.state.grant(bytes)?;
        let Some(bounded) = &mut it.bounded else { return Ok(is_opened.then_some(key)) };
        bounded.flight.consumed(seq, now);
        let goes_on = bounded.is_waiting && !it.state.is_blocked() && !bounded.flight.is_full();
        bounded.is_waiting &= !goes_on;
        Ok(goes_on.then_some(key))
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
    assert!(outgoing.has_room(key, 0), "it counts as 64");
    outgoing.spend(key, 1000);
    assert!(!outgoing.has_room(key, 0));
    assert!(outgoing.wait_for_credit());
    assert_eq!(outgoing.grant(A, 964, None, Duration::ZERO), Ok(None));
    assert!(!outgoing.has_room(key, 0), "what was overdrawn comes first");
    assert_eq!(outgoing.grant(A, 1, None, Duration::ZERO), Ok(Some(key)));
    assert_eq!(outgoing.grant(A, 1, None, Duration::ZERO), Ok(None), "it was not waiting");
    assert_eq!(outgoing.grant(A, 1 << 20, None, Duration::ZERO), Ok(None), "the window has grown");
    for wrong in [MOST, u64::MAX] {
        assert_eq!(
            outgoing.grant(A, wrong, None, Duration::ZERO),
            Err(()),
            "above all that there can be"
        );
    }
    assert!(outgoing.has_room(key, 0));
    assert_eq!(outgoing.grant(B, 1, None, Duration::ZERO), Ok(None), "it may have ended");
    let plain = outgoing.register(B.into(), Origin::Request(None), None);
    outgoing.spend(plain, 1 << 40);
    assert!(outgoing.has_room(plain, 0));
    assert_eq!(outgoing.grant(B, 1, None, Duration::ZERO), Err(()));
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
