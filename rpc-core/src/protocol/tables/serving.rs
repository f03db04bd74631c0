//! Requests that this end owes an answer, and the notification whose handler runs.

mod record;
mod waiting;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

pub(crate) use record::{ColdFields, Cost, Ended, New, Served, ServedExtensions};

use crate::limits::Limits;
use crate::protocol::tables::deadlines::Deadlines;
use crate::protocol::tables::key::Key;
use crate::protocol::tables::ordered::Ordered;
use crate::util::keyed_hash::KeyedHash;
use crate::wire::id::Id;

/// The calls being served on one connection.
pub(crate) struct Serving<W> {
    /// A slab of its own, filled and emptied field by field. To move records in and out as a whole, as the
    /// slab of the streams does, took a twentieth of the time of a call; to share that slab and fill it
    /// in place took more instructions than a call has to spare.
    places: Vec<Served<W>>,
    free: Vec<usize>,
    /// The generation of the key of the call that came last. It counts all calls, those that were refused
    /// included.
    last: u64,
    /// The number of requests; the rest are notifications.
    requests: usize,
    /// The requests that outlive the first poll of their handler. Nobody can ask for the other requests,
    /// which are most: between a request and its first poll no message is read. The other end chooses the
    /// ids, so they are hashed under a key: else it could choose ids that collide.
    by_id: HashMap<Id, Key, KeyedHash>,
    /// Requests that wait for room in the outbox, oldest first.
    unstarted: VecDeque<Key>,
    /// Members of batches that wait until other batches are finished. Other requests pass them.
    #[expect(clippy::box_collection, reason = "what an idle connection costs is counted")]
    aside: Option<Box<Vec<Key>>>,
    /// Requests that wait for earlier calls to end.
    ordered: Ordered,
    cost: Cost,
    /// Requests whose handlers wait for a call of their own.
    released: usize,
    deadlines: Deadlines,
}

impl<W> Serving<W> {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            last: 0,
            requests: 0,
            by_id: HashMap::default(),
            unstarted: VecDeque::new(),
            aside: None,
            ordered: Ordered::default(),
            cost: Cost::default(),
            released: 0,
            deadlines: Deadlines::new(),
        }
    }

    fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Returns whether a handler runs, or waits to start.
    pub(crate) fn has_pending(&self) -> bool {
        self.len() > 0
    }

    /// Returns how many requests have no answer yet.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    /// Returns whether a request was [kept](Self::keep).
    pub(crate) fn has_kept(&self) -> bool {
        !self.by_id.is_empty()
    }

    /// Returns the request with this id, if it was [kept](Self::keep).
    pub(crate) fn find(&self, id: &str) -> Option<Key> {
        if self.by_id.is_empty() {
            return None; // without hashing it: this is asked of every request
        }
        self.by_id.get(id).copied()
    }

    /// Returns the name of the limit that a request of this cost would exceed. `orphans` is the number of
    /// handlers that were stopped and still run.
    pub(crate) fn limit_reached(
        &self,
        cost: Cost,
        orphans: usize,
        limits: &Limits,
    ) -> Option<&'static str> {
        if self.requests - self.released + orphans >= limits.inflight_requests {
            Some("inflight_requests")
        } else if self.len() + orphans >= limits.live_handlers {
            Some("live_handlers")
        } else if self.cost.bytes + cost.bytes > limits.inflight_bytes {
            Some("inflight_bytes")
        } else if self.cost.tokens + cost.tokens > limits.tokens_inflight {
            Some("tokens_inflight")
        } else {
            None
        }
    }

    /// Returns the number of a call that comes now. Calls are ordered by their numbers.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Numbers this many calls, which are refused.
    pub(crate) fn number_more(&mut self, calls: usize) {
        self.last += calls as u64;
    }

    /// Returns how many calls came. Refused calls are counted as well, since each may still be cancelled.
    pub(crate) fn numbered(&self) -> u64 {
        self.last
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
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Served::default());
            self.places.len() - 1
        });
        let served = &mut self.places[index];
        served.serial = number;
        served.is_request = new.is_request;
        served.greeted = new.greeted;
        served.place = new.place;
        served.method = new.method;
        served.cost = new.cost;
        served.deadline = new.deadline;
        served.since = new.now;
        served.cold = new.cold;
        served.returned = false;
        Key::new(index, number)
    }

    /// Makes a request known by its id: it will be served for longer than this moment.
    pub(crate) fn keep(&mut self, key: Key, id: &Id) {
        if let Some(served) = self.get_mut(key) {
            served.id = Some(id.clone());
            self.by_id.insert(id.clone(), key);
        }
    }

    /// Returns whether a handler waits for a call of its own.
    pub(crate) fn has_released(&self) -> bool {
        self.released > 0 || self.iter().any(|served| served.calls > 0)
    }

    /// Returns the call, if it is still served.
    pub(crate) fn get(&self, key: Key) -> Option<&Served<W>> {
        self.places.get(key.index).filter(|served| served.serial == key.generation)
    }

    /// Returns the call, if it is still served.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Served<W>> {
        self.places.get_mut(key.index).filter(|served| served.serial == key.generation)
    }

    /// Removes a call that has ended or was stopped. Returns `None` if it was removed before.
    pub(crate) fn complete(&mut self, key: Key) -> Option<Ended<W>> {
        let served = self.get_mut(key)?;
        let (id, cold) = (served.id.take(), served.cold.take());
        let ended = Ended { id, place: served.place, cold };
        let (cost, is_request) = (served.cost, served.is_request);
        let calls = std::mem::take(&mut served.calls);
        served.serial = 0;
        self.free.push(key.index);
        self.cost.bytes -= cost.bytes;
        self.cost.tokens -= cost.tokens;
        if is_request {
            self.requests -= 1;
            self.released -= usize::from(calls > 0);
        }
        if let Some(id) = &ended.id {
            self.by_id.remove(id);
        }
        if self.aside.is_some() {
            self.forget_aside(key);
        }
        if key.generation <= self.ordered.first() {
            self.gone_before_ordered(key, calls);
        }
        Some(ended)
    }

    /// Takes note that a call is gone which came before an ordered request, or that request itself.
    #[cold]
    fn gone_before_ordered(&mut self, key: Key, calls: usize) {
        let held_up = calls == 0 && !self.places[key.index].returned;
        if key.generation == self.ordered.first() {
            self.look_after_oldest_ordered();
        } else if held_up {
            self.ordered.note(key.generation, false);
        }
    }

    /// Releases the permit of a handler that starts a call of its own. Returns whether the call is its
    /// only one.
    pub(crate) fn release_permit(&mut self, key: Key) -> bool {
        let Some(served) = self.get_mut(key) else {
            return false;
        };
        let held_up = served.holds_up();
        served.calls += 1;
        let first = served.calls == 1;
        let is_request = served.is_request;
        self.released += usize::from(first && is_request);
        if held_up {
            self.ordered.note(key.generation, false);
        }
        first
    }

    /// Takes note that a call of a handler is resolved. With the last one the handler has its permit
    /// again, whatever the limit says: a handler never waits for its permit. Returns whether the call was
    /// the last one.
    pub(crate) fn reacquire_permit(&mut self, key: Key) -> bool {
        let Some(served) = self.get_mut(key) else {
            return false;
        };
        served.calls -= 1;
        let none_left = served.calls == 0;
        let holds_up = served.holds_up();
        let is_request = served.is_request;
        self.released -= usize::from(none_left && is_request);
        if holds_up {
            self.ordered.note(key.generation, true);
        }
        none_left
    }

    /// Returns whether the handler waits for calls of its own.
    pub(crate) fn is_released(&self, key: Key) -> bool {
        self.get(key).is_some_and(|served| served.calls > 0)
    }

    /// Takes note that a handler has returned. Ordered requests do not wait until its answer leaves: two
    /// batches could wait for each other that way.
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

    /// Returns a time before which no deadline comes.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.next()
    }

    /// Returns the calls whose deadline has come.
    pub(crate) fn expired(&mut self, now: Duration) -> Vec<Key> {
        let served = keyed(&self.places).map(|(key, served)| (key, served.deadline));
        self.deadlines.expired(now, served)
    }

    /// Returns the requests whose deadline has come and which have not started.
    pub(crate) fn expired_unstarted(&self, now: Duration) -> Vec<Key> {
        let is_over = |served: &Served<W>| {
            served.deadline.is_some_and(|deadline| deadline <= now) && !served.has_started()
        };
        keyed(&self.places).filter(|(_, served)| is_over(served)).map(|(key, _)| key).collect()
    }

    /// Returns the keys of all calls, in the order in which the calls came.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = keyed(&self.places).map(|(key, _)| key).collect();
        keys.sort_unstable_by_key(|key| key.generation);
        keys
    }

    /// Returns all calls, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Served<W>> {
        keyed(&self.places).map(|(_, served)| served)
    }

    /// Removes all calls. Returns the watchers, to be told, and the waiters whose answer will not
    /// come.
    pub(crate) fn drain(&mut self) -> (Vec<W>, Vec<W>) {
        let places = std::mem::take(&mut self.places);
        *self = Self { last: self.last, ..Self::new() };
        let cold = places.into_iter().filter_map(|served| served.cold);
        let (watchers, after): (Vec<_>, Vec<_>) = cold.map(|it| (it.watcher, it.after)).unzip();
        (watchers.into_iter().flatten().collect(), after.into_iter().flatten().collect())
    }

    /// Gives back the memory that a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.len() == 0 && !self.places.is_empty() {
            let (watchers, after) = self.drain();
            debug_assert!(watchers.is_empty() && after.is_empty(), "nothing was served");
        }
    }
}

/// Returns the calls in their places, with their keys.
fn keyed<W>(places: &[Served<W>]) -> impl Iterator<Item = (Key, &Served<W>)> {
    let served = places.iter().enumerate().filter(|(_, served)| served.serial != 0);
    served.map(|(index, served)| (Key::new(index, served.serial), served))
}

/// Returns whether a key names the call that is in its place.
fn is_served<W>(places: &[Served<W>]) -> impl Fn(Key) -> bool {
    |key| places.get(key.index).is_some_and(|served| served.serial == key.generation)
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
