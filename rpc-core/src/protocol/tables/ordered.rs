//! Requests that start only when everything that came before them has ended.
//!
//! Calls are numbered as they come. Only the oldest of these requests is looked after: how many
//! earlier calls hold it up is counted up and down as they come and go, so that nobody searches for
//! them, and a connection without such requests pays for a comparison.

use std::collections::VecDeque;

use crate::protocol::tables::key::Key;

/// The ordered requests of one connection that have not started. In a box, which most connections
/// never need: what an idle one costs is counted.
#[derive(Default)]
pub(crate) struct Ordered(Option<Box<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// Oldest first; some may have ended without a start.
    keys: VecDeque<Key>,
    /// The number of the oldest ordered request.
    first: u64,
    /// How many calls with a smaller number hold that request up.
    held_up_by: usize,
}

impl Ordered {
    pub(crate) fn is_empty(&self) -> bool {
        self.first() == 0
    }

    /// Returns the number of the oldest ordered request, below which calls may hold it up; 0 if none
    /// waits. No call has the number 0.
    pub(crate) fn first(&self) -> u64 {
        self.0.as_ref().map_or(0, |waiting| waiting.first)
    }

    /// Returns whether an ordered request waits that no call holds up.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.as_ref().is_some_and(|waiting| waiting.held_up_by == 0)
    }

    /// Adds the youngest of all calls.
    pub(crate) fn push(&mut self, key: Key, is_served: impl Fn(Key) -> bool) {
        let keys = &mut self.0.get_or_insert_default().keys;
        keys.push_back(key);
        // Those that come and are cancelled while the oldest waits must not leave their keys behind.
        if keys.len() == keys.capacity() {
            keys.retain(|key| is_served(*key));
        }
    }

    /// Takes the oldest ordered request, to start it. [`wait_for`](Self::wait_for) then names the next
    /// one.
    pub(crate) fn pop(&mut self) -> Option<Key> {
        self.0.as_mut()?.keys.pop_front()
    }

    /// Returns the oldest ordered request that `is_served` still.
    pub(crate) fn oldest(&mut self, is_served: impl Fn(Key) -> bool) -> Option<Key> {
        let keys = &mut self.0.as_mut()?.keys;
        while keys.front().is_some_and(|key| !is_served(*key)) {
            keys.pop_front();
        }
        keys.front().copied()
    }

    /// Sets the number of the oldest ordered request, if there is one, and how many calls hold it up.
    pub(crate) fn wait_for(&mut self, first: Option<u64>, held_up_by: usize) {
        match (first, &mut self.0) {
            (Some(first), Some(waiting)) => {
                (waiting.first, waiting.held_up_by) = (first, held_up_by);
            }
            _ => self.0 = None,
        }
    }

    /// Takes note that a call with this number holds up later ordered requests, or does so no longer.
    pub(crate) fn note(&mut self, number: u64, holds_up: bool) {
        let Some(waiting) = &mut self.0 else { return };
        if number >= waiting.first {
            return;
        }
        if holds_up {
            waiting.held_up_by += 1;
        } else {
            waiting.held_up_by -= 1;
        }
    }

    /// How many keys are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.keys.len())
    }
}
