//! Requests that are served, and whose handlers have not started: those that wait for room, those that
//! others pass, and those that wait for earlier calls.

use super::{New, Served, Serving, is_served};
use crate::protocol::tables::key::Key;

impl<W> Serving<W> {
    /// Adds a request whose handler starts later, in the order in which they come.
    pub(crate) fn register_unstarted(&mut self, new: New<W>, id: &str, params: Box<str>) {
        let key = self.register_kept(new, id, params);
        self.unstarted.push_back(key);
    }

    /// Adds a request whose handler starts when those of all earlier calls have ended.
    pub(crate) fn register_ordered(&mut self, new: New<W>, id: &str, params: Box<str>) {
        let key = self.register_kept(new, id, params);
        self.ordered.push(key, is_served(&self.places));
        if self.ordered.is_empty() {
            self.look_after_oldest_ordered();
        }
    }

    fn register_kept(&mut self, new: New<W>, id: &str, params: Box<str>) -> Key {
        let key = self.register(new);
        if let Some(served) = self.get_mut(key) {
            served.cold.get_or_insert_default().params = Some(params);
        }
        self.keep(key, &id.into());
        key
    }

    /// Returns whether requests wait to start. Later requests must not overtake them.
    pub(crate) fn has_unstarted(&self) -> bool {
        !self.unstarted.is_empty()
    }

    /// Returns whether an ordered request that came now would have to wait.
    pub(crate) fn holds_up_ordered(&self) -> bool {
        !self.ordered.is_empty() || self.iter().any(Served::holds_up)
    }

    /// Returns whether there is an ordered request that no call holds up any more.
    pub(crate) fn has_ready_ordered(&self) -> bool {
        self.ordered.is_ready()
    }

    /// Takes the oldest ordered request, to start it. Returns its key and its params; empty params stand
    /// for none.
    pub(crate) fn next_ordered(&mut self) -> Option<(Key, Box<str>)> {
        let key = self.ordered.pop()?;
        let params = self.get_mut(key)?.take_params();
        self.look_after_oldest_ordered();
        Some((key, params?))
    }

    /// Counts the calls that hold up the ordered request that is the oldest now.
    pub(super) fn look_after_oldest_ordered(&mut self) {
        let oldest = self.ordered.oldest(is_served(&self.places));
        let first = oldest.map(|key| key.generation);
        let is_earlier = |served: &&Served<W>| Some(served.serial) < first && served.holds_up();
        let held_up_by = self.iter().filter(is_earlier).count();
        self.ordered.wait_for(first, held_up_by);
    }

    /// Returns the oldest request that has not started.
    pub(crate) fn oldest_unstarted(&mut self) -> Option<Key> {
        while let Some(key) = self.unstarted.front().copied() {
            if self.get(key).is_some() {
                return Some(key);
            }
            self.unstarted.pop_front();
        }
        None
    }

    /// Takes the oldest request that has not started, to start it. Returns its key and its params; empty
    /// params stand for none.
    pub(crate) fn next_unstarted(&mut self) -> Option<(Key, Box<str>)> {
        let key = self.oldest_unstarted()?;
        self.unstarted.pop_front();
        Some((key, self.get_mut(key)?.take_params()?))
    }

    /// Sets aside the oldest request that has not started, so that others pass it.
    pub(crate) fn set_aside(&mut self) {
        if let Some(key) = self.unstarted.pop_front() {
            self.aside.get_or_insert_default().push(key);
        }
    }

    /// Returns the requests that were set aside, oldest first.
    pub(crate) fn aside(&self) -> &[Key] {
        self.aside.as_deref().map_or(&[], Vec::as_slice)
    }

    pub(super) fn forget_aside(&mut self, key: Key) {
        let Some(aside) = &mut self.aside else { return };
        aside.retain(|other| *other != key);
        self.aside.take_if(|aside| aside.is_empty());
    }

    /// Takes a request that was set aside, to start it. Returns its key and its params; empty params
    /// stand for none.
    pub(crate) fn take_aside(&mut self, key: Key) -> Option<(Key, Box<str>)> {
        self.forget_aside(key);
        Some((key, self.get_mut(key)?.take_params()?))
    }

    /// Returns whether members of batches were set aside, or have returned and wait for room.
    pub(crate) fn has_waiting_members(&self) -> bool {
        let waits = |served: &Served<W>| served.place.is_some() && served.returned;
        self.aside.is_some() || self.iter().any(waits)
    }
}
