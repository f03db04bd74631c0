//! Requests that this end owes an answer, and the notification whose handler runs.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::limits::Limits;
use crate::protocol::tables::batches::BatchSlot;
use crate::protocol::tables::deadlines::Deadlines;
use crate::protocol::tables::key::{Key, ServedCall};
use crate::protocol::tables::ordered::Ordered;
use crate::protocol::tables::slab::Slab;
use crate::protocol::tables::streams::IncomingKey;
use crate::util::keyed_hash::KeyedHash;
use crate::util::members::Members;
use crate::util::sync::Arc;
use crate::wire::extensions::Extensions;
use crate::wire::id::Id;

/// A call that is served.
#[derive(Debug)]
pub(crate) struct Served<W> {
    /// Whether it is to be answered; a notification is not.
    pub(crate) is_request: bool,
    /// Whether its caller said hello before it.
    pub(crate) greeted: bool,
    /// Of a request that was [kept](Serving::keep).
    pub(crate) id: Option<Id>,
    /// Where its answer goes, if not out alone.
    pub(crate) place: Option<BatchSlot>,
    /// Which method, by its number in the router.
    pub(crate) method: usize,
    pub(crate) cost: Cost,
    pub(crate) deadline: Option<Duration>,
    pub(crate) since: Duration,
    pub(crate) cold: Option<Box<ColdFields<W>>>,
    /// Calls that its handler made and that are not resolved. While there are some, the handler's
    /// place is lent to others.
    calls: usize,
    /// Whether its handler has returned, and its result waits for room.
    returned: bool,
}

impl<W> Default for Served<W> {
    fn default() -> Self {
        Self {
            is_request: false,
            greeted: false,
            id: None,
            place: None,
            method: 0,
            cost: Cost::default(),
            deadline: None,
            since: Duration::ZERO,
            cold: None,
            calls: 0,
            returned: false,
        }
    }
}

/// What came beside the params of a served call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServedExtensions {
    /// Extension members of the message.
    pub(crate) extensions: Extensions,
    /// Of a call that the fallback serves: the method name in the message. The method's number does not tell.
    pub(crate) called: Option<Box<str>>,
}

/// What few calls have: in a box, since calls come and go by the million.
#[derive(Debug)]
pub(crate) struct ColdFields<W> {
    /// What came beside its params.
    pub(crate) beside: Option<Arc<ServedExtensions>>,
    /// Of a notification: the batch in which it came. A request's is found by its place in the batch.
    pub(crate) members: Option<Members>,
    /// The streams among its params.
    pub(crate) streams: Vec<IncomingKey>,
    /// The latest report of its progress, which waits for room.
    pub(crate) report: Option<Bytes>,
    /// Told when it is served no longer.
    pub(crate) watcher: Option<W>,
    /// Told when its answer has entered the outbox.
    pub(crate) after: Option<W>,
    /// Of a request that has not started.
    params: Option<Box<str>>,
}

impl<W> Default for ColdFields<W> {
    fn default() -> Self {
        let (beside, members, streams, report) = (None, None, Vec::new(), None);
        Self { beside, members, streams, report, watcher: None, after: None, params: None }
    }
}

impl<W> ColdFields<W> {
    /// Nothing, of nearly all calls.
    #[inline(always)]
    pub(crate) fn of(
        beside: Option<Arc<ServedExtensions>>,
        streams: Vec<IncomingKey>,
    ) -> Option<Box<Self>> {
        if beside.is_none() && streams.is_empty() {
            return None;
        }
        Some(Box::new(Self { beside, streams, ..Self::default() }))
    }
}

impl<W> Served<W> {
    /// The params of a request that has not started.
    fn take_params(&mut self) -> Option<Box<str>> {
        self.cold.as_mut()?.params.take()
    }

    /// Whether its handler has begun.
    pub(crate) fn has_started(&self) -> bool {
        self.cold.as_ref().is_none_or(|cold| cold.params.is_none())
    }

    /// Whether an ordered request that came later has to wait for it. Not for a handler that waits
    /// for a call of its own: that call may be what the request serves.
    fn holds_up(&self) -> bool {
        self.calls == 0 && !self.returned
    }
}

/// What a call leaves behind when it ends.
#[derive(Debug)]
pub(crate) struct Ended<W> {
    /// The id to answer under, if it was kept.
    pub(crate) id: Option<Id>,
    /// Where its answer goes, if not out alone.
    pub(crate) place: Option<BatchSlot>,
    pub(crate) cold: Option<Box<ColdFields<W>>>,
}

/// What a call takes of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cost {
    pub(crate) bytes: usize,
    pub(crate) tokens: usize,
}

/// A call whose handler is to be started.
#[derive(Debug)]
pub(crate) struct New<W> {
    pub(crate) is_request: bool,
    pub(crate) greeted: bool,
    pub(crate) place: Option<BatchSlot>,
    pub(crate) method: usize,
    pub(crate) cost: Cost,
    pub(crate) deadline: Option<Duration>,
    pub(crate) cold: Option<Box<ColdFields<W>>>,
    pub(crate) now: Duration,
}

/// The calls being served on one connection.
pub(crate) struct Serving<W> {
    /// Under generations that count the calls as they come, those that are refused included.
    places: Slab<Served<W>, ServedCall>,
    /// How many are requests.
    requests: usize,
    /// The requests that outlive the first poll of their handler. Nobody can ask for the others,
    /// which are most: between a request and its first poll no message is read. Ids are the other
    /// end's choice, so they are hashed under a key: else they could be chosen to collide.
    by_id: HashMap<Id, Key, KeyedHash>,
    /// Requests that wait for room in the outbox, oldest first.
    unstarted: VecDeque<Key>,
    /// Members of batches that wait until other batches have come to their end; others pass them.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    aside: Option<Box<Vec<Key>>>,
    /// Requests that wait for earlier calls to end.
    ordered: Ordered,
    cost: Cost,
    /// Requests whose handlers wait for a call of their own.
    lent: usize,
    deadlines: Deadlines,
}

impl<W> Serving<W> {
    pub(crate) fn new() -> Self {
        Self {
            places: Slab::new(),
            requests: 0,
            by_id: HashMap::default(),
            unstarted: VecDeque::new(),
            aside: None,
            ordered: Ordered::default(),
            cost: Cost::default(),
            lent: 0,
            deadlines: Deadlines::new(),
        }
    }

    /// Returns whether a handler runs, or waits to start.
    pub(crate) fn has_pending(&self) -> bool {
        !self.places.is_empty()
    }

    /// How many requests have no answer yet.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    /// The request with this id, if it was [kept](Self::keep).
    pub(crate) fn find(&self, id: &str) -> Option<Key> {
        if self.by_id.is_empty() {
            return None; // without hashing it: this is asked of every request
        }
        self.by_id.get(id).copied()
    }

    /// The name of the limit that keeps a request of this cost from being served now. `orphans` are
    /// handlers that are not served any more and still run.
    pub(crate) fn limit_reached(
        &self,
        cost: Cost,
        orphans: usize,
        limits: &Limits,
    ) -> Option<&'static str> {
        if self.requests - self.lent + orphans >= limits.inflight_requests {
            Some("inflight_requests")
        } else if self.places.len() + orphans >= limits.live_handlers {
            Some("live_handlers")
        } else if self.cost.bytes + cost.bytes > limits.inflight_bytes {
            Some("inflight_bytes")
        } else if self.cost.tokens + cost.tokens > limits.tokens_inflight {
            Some("tokens_inflight")
        } else {
            None
        }
    }

    /// The number of a call that comes now, by which it is known whether it came before another.
    pub(crate) fn number(&mut self) -> u64 {
        self.places.next_generation()
    }

    /// So many calls came that are refused.
    pub(crate) fn number_more(&mut self, calls: usize) {
        self.places.skip_generations(calls);
    }

    /// How many calls came. Those that are refused have a number as well, since each may still be
    /// cancelled.
    pub(crate) fn numbered(&self) -> u64 {
        self.places.generations()
    }

    /// Adds a call that comes now, and whose handler starts now.
    pub(crate) fn register(&mut self, new: New<W>) -> Key {
        let number = self.number();
        self.place(new, number)
    }

    /// Adds a call that came earlier, and whose handler starts now.
    pub(crate) fn register_numbered(&mut self, new: New<W>, number: u64) -> Key {
        let key = self.place(new, number);
        self.ordered.note(number, true);
        key
    }

    #[inline(always)] // 40 instructions of each request, which the compiler gives and takes
    fn place(&mut self, new: New<W>, number: u64) -> Key {
        self.cost.bytes += new.cost.bytes;
        self.cost.tokens += new.cost.tokens;
        self.deadlines.add(new.deadline);
        self.requests += usize::from(new.is_request);
        let (key, served) = self.places.register_in_place(number);
        served.is_request = new.is_request;
        served.greeted = new.greeted;
        served.place = new.place;
        served.method = new.method;
        served.cost = new.cost;
        served.deadline = new.deadline;
        served.since = new.now;
        served.cold = new.cold;
        served.returned = false;
        key
    }

    /// Lets a request be found by its id: it will be served for longer than this moment.
    pub(crate) fn keep(&mut self, key: Key, id: &Id) {
        if let Some(served) = self.get_mut(key) {
            served.id = Some(id.clone());
            self.by_id.insert(id.clone(), key);
        }
    }

    /// Adds a request whose handler starts later, in the order in which they come.
    pub(crate) fn register_unstarted(&mut self, new: New<W>, id: &str, params: &str) {
        let key = self.register_kept(new, id, params);
        self.unstarted.push_back(key);
    }

    /// Adds a request whose handler starts when those of all earlier calls have ended.
    pub(crate) fn register_ordered(&mut self, new: New<W>, id: &str, params: &str) {
        let key = self.register_kept(new, id, params);
        self.ordered.push(key, |key| self.places.contains(key));
        if self.ordered.is_empty() {
            self.look_after_oldest_ordered();
        }
    }

    fn register_kept(&mut self, new: New<W>, id: &str, params: &str) -> Key {
        let key = self.register(new);
        if let Some(served) = self.places.get_mut(key) {
            served.cold.get_or_insert_default().params = Some(params.into());
        }
        self.keep(key, &id.into());
        key
    }

    /// Whether requests wait to start: later ones must not overtake them.
    pub(crate) fn has_unstarted(&self) -> bool {
        !self.unstarted.is_empty()
    }

    /// Whether an ordered request that came now would have to wait for one that is served.
    pub(crate) fn holds_up_ordered(&self) -> bool {
        !self.ordered.is_empty() || self.iter().any(Served::holds_up)
    }

    /// Whether there is an ordered request that nothing holds up any more.
    pub(crate) fn has_ready_ordered(&self) -> bool {
        self.ordered.is_ready()
    }

    /// The oldest ordered request, with its params, which may be empty for none.
    pub(crate) fn next_ordered(&mut self) -> Option<(Key, Box<str>)> {
        let key = self.ordered.pop()?;
        let params = self.get_mut(key)?.take_params();
        self.look_after_oldest_ordered();
        Some((key, params?))
    }

    /// Counts what holds up the ordered request that is the oldest now.
    fn look_after_oldest_ordered(&mut self) {
        let oldest = self.ordered.oldest(|key| self.places.contains(key));
        let first = oldest.map(|key| key.generation);
        let is_earlier =
            |(key, served): &(Key, &Served<W>)| Some(key.generation) < first && served.holds_up();
        let held_up_by = self.places.iter().filter(is_earlier).count();
        self.ordered.wait_for(first, held_up_by);
    }

    /// The oldest request that has not started.
    pub(crate) fn oldest_unstarted(&mut self) -> Option<Key> {
        while let Some(key) = self.unstarted.front().copied() {
            if self.get(key).is_some() {
                return Some(key);
            }
            self.unstarted.pop_front();
        }
        None
    }

    /// The oldest request that has not started, with its params, which may be empty for none.
    pub(crate) fn next_unstarted(&mut self) -> Option<(Key, Box<str>)> {
        let key = self.oldest_unstarted()?;
        self.unstarted.pop_front();
        Some((key, self.get_mut(key)?.take_params()?))
    }

    /// Has others pass the oldest request that has not started.
    pub(crate) fn set_aside(&mut self) {
        if let Some(key) = self.unstarted.pop_front() {
            self.aside.get_or_insert_default().push(key);
        }
    }

    /// The requests that others pass, oldest first.
    pub(crate) fn aside(&self) -> &[Key] {
        self.aside.as_deref().map_or(&[], Vec::as_slice)
    }

    fn forget_aside(&mut self, key: Key) {
        let Some(aside) = &mut self.aside else { return };
        aside.retain(|other| *other != key);
        self.aside.take_if(|aside| aside.is_empty());
    }

    /// One of those, with its params, which may be empty for none, to start it.
    pub(crate) fn take_aside(&mut self, key: Key) -> Option<(Key, Box<str>)> {
        self.forget_aside(key);
        Some((key, self.get_mut(key)?.take_params()?))
    }

    /// Whether members of batches have not started, or have returned and wait for room.
    pub(crate) fn has_waiting_members(&self) -> bool {
        let waits = |served: &Served<W>| served.place.is_some() && served.returned;
        self.aside.is_some() || self.iter().any(waits)
    }

    /// Whether a handler waits for a call of its own.
    pub(crate) fn has_lent(&self) -> bool {
        self.lent > 0 || self.iter().any(|served| served.calls > 0)
    }

    /// The call, if it is still served.
    pub(crate) fn get(&self, key: Key) -> Option<&Served<W>> {
        self.places.get(key)
    }

    /// The call, if it is still served.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Served<W>> {
        self.places.get_mut(key)
    }

    /// Frees the place of a call that has ended; `None` if that happened before.
    pub(crate) fn complete(&mut self, key: Key) -> Option<Ended<W>> {
        let served = self.places.remove_in_place(key)?;
        let (id, cold) = (served.id.take(), served.cold.take());
        let ended = Ended { id, place: served.place, cold };
        let (cost, is_request) = (served.cost, served.is_request);
        let held_up = served.holds_up();
        let calls = std::mem::take(&mut served.calls);
        self.cost.bytes -= cost.bytes;
        self.cost.tokens -= cost.tokens;
        if is_request {
            self.requests -= 1;
            self.lent -= usize::from(calls > 0);
        }
        if let Some(id) = &ended.id {
            self.by_id.remove(id);
        }
        if self.aside.is_some() {
            self.forget_aside(key);
        }
        if key.generation <= self.ordered.first() {
            self.gone_before_ordered(key, held_up);
        }
        Some(ended)
    }

    /// A call that came before an ordered request is gone, or that request itself.
    #[cold]
    fn gone_before_ordered(&mut self, key: Key, held_up: bool) {
        if key.generation == self.ordered.first() {
            self.look_after_oldest_ordered();
        } else if held_up {
            self.ordered.note(key.generation, false);
        }
    }

    /// The handler starts a call of its own and lends its place. Whether this is its only call.
    pub(crate) fn release_permit(&mut self, key: Key) -> bool {
        let Some(served) = self.get_mut(key) else {
            return false;
        };
        let held_up = served.holds_up();
        served.calls += 1;
        let first = served.calls == 1;
        let is_request = served.is_request;
        self.lent += usize::from(first && is_request);
        if held_up {
            self.ordered.note(key.generation, false);
        }
        first
    }

    /// A call of the handler is resolved. With its last one the handler has its place again,
    /// whatever the limit says: it never waits for it. Whether this was its last one.
    pub(crate) fn reacquire_permit(&mut self, key: Key) -> bool {
        let Some(served) = self.get_mut(key) else {
            return false;
        };
        served.calls -= 1;
        let none_left = served.calls == 0;
        let holds_up = served.holds_up();
        let is_request = served.is_request;
        self.lent -= usize::from(none_left && is_request);
        if holds_up {
            self.ordered.note(key.generation, true);
        }
        none_left
    }

    /// Whether the handler waits for calls of its own.
    pub(crate) fn is_lent(&self, key: Key) -> bool {
        self.get(key).is_some_and(|served| served.calls > 0)
    }

    /// The handler has returned: what is ordered does not wait for its answer to leave. Two batches
    /// could wait for each other that way.
    pub(crate) fn returned(&mut self, key: Key) {
        let Some(served) = self.get_mut(key) else {
            return;
        };
        let held_up = served.holds_up();
        served.returned = true;
        if held_up {
            self.ordered.note(key.generation, false);
        }
    }

    /// No call runs out before this time.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.next()
    }

    /// The calls whose deadline has come.
    pub(crate) fn expired(&mut self, now: Duration) -> Vec<Key> {
        let places = self.places.iter();
        self.deadlines.expired(now, places.map(|(key, served)| (key, served.deadline)))
    }

    /// The requests whose deadline has come, and which have not started.
    pub(crate) fn expired_unstarted(&self, now: Duration) -> Vec<Key> {
        let is_over = |served: &Served<W>| {
            served.deadline.is_some_and(|deadline| deadline <= now) && !served.has_started()
        };
        self.places.iter().filter(|(_, served)| is_over(served)).map(|(key, _)| key).collect()
    }

    /// The keys of all calls, as they came.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = self.places.iter().map(|(key, _)| key).collect();
        keys.sort_unstable_by_key(|key| key.generation);
        keys
    }

    /// All calls, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Served<W>> {
        self.places.iter().map(|(_, served)| served)
    }

    /// Forgets everything; returns who is to be told, and who waits for an answer that there will
    /// not be.
    pub(crate) fn drain(&mut self) -> (Vec<W>, Vec<W>) {
        let mut places = std::mem::replace(&mut self.places, Slab::new());
        let cold = places.drain().filter_map(|served| served.cold);
        *self = Self { places, ..Self::new() };
        let (watchers, after): (Vec<_>, Vec<_>) = cold.map(|it| (it.watcher, it.after)).unzip();
        (watchers.into_iter().flatten().collect(), after.into_iter().flatten().collect())
    }

    /// Gives back what a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.places.is_empty() && self.places.has_memory() {
            let (watchers, after) = self.drain();
            debug_assert!(watchers.is_empty() && after.is_empty(), "nothing was served");
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
