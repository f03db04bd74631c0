//! Notifications that wait for an earlier one to end: they run one at a time, in order.

use std::collections::VecDeque;

use crate::protocol::tables::key::Key;
use crate::protocol::tables::serving::{Cost, ServedExtensions};
use crate::util::members::Members;
use crate::util::sync::Arc;

/// The queue in front of the notification handlers of one connection.
pub(crate) struct Notifications {
    waiting: VecDeque<Waiting<Box<str>>>,
    bytes: usize,
    running: Option<Key>,
}

/// A notification that has not started.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Waiting<P> {
    /// The number under which it came, by which calls are ordered.
    pub(crate) number: u64,
    pub(crate) method: usize,
    pub(crate) params: Option<P>,
    pub(crate) cost: Cost,
    pub(crate) extensions: Option<Arc<ServedExtensions>>,
    /// The batch in which it came. It may start when the rest of the batch is answered and forgotten.
    pub(crate) members: Option<Members>,
}

impl Waiting<&str> {
    /// Copies the params out of the message.
    pub(crate) fn into_owned(self) -> Waiting<Box<str>> {
        let Self { number, method, params, cost, extensions, members } = self;
        Waiting { number, method, params: params.map(Box::from), cost, extensions, members }
    }
}

impl Notifications {
    pub(crate) const fn new() -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, running: None }
    }

    /// Returns whether a notification that comes now may start at once.
    pub(crate) fn is_free(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// Returns how many notifications wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Returns the bytes of the params that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn register(&mut self, waiting: Waiting<Box<str>>) {
        self.bytes += waiting.cost.bytes;
        self.waiting.push_back(waiting);
    }

    /// Returns whether a notification waits and may start now.
    pub(crate) fn has_pending(&self) -> bool {
        self.running.is_none() && !self.waiting.is_empty()
    }

    /// Takes the next notification, unless one runs.
    pub(crate) fn next(&mut self) -> Option<Waiting<Box<str>>> {
        if !self.has_pending() {
            return None;
        }
        let waiting = self.waiting.pop_front()?;
        self.bytes -= waiting.cost.bytes;
        Some(waiting)
    }

    /// Notes that the handler of this notification runs.
    pub(crate) fn started(&mut self, key: Key) {
        debug_assert!(self.running.is_none(), "one at a time");
        self.running = Some(key);
    }

    /// Notes that a handler has ended. It may be the handler of a request.
    pub(crate) fn complete(&mut self, key: Key) {
        if self.running == Some(key) {
            self.running = None;
        }
    }

    /// Removes all notifications, and gives back their memory.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Gives back the memory that a busy time left behind.
    pub(crate) fn shrink(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > 0 {
            self.waiting = VecDeque::new();
        }
    }
}
