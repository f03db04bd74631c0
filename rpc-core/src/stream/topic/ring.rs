//! The last events of a topic.

use std::collections::VecDeque;

use crate::stream::emitted::Published;
use crate::util::sync::Arc;

/// The last events, numbered from 0 since the topic was made.
pub(super) struct Ring<T> {
    events: VecDeque<Arc<Event<T>>>,
    /// The number of the next event.
    next: u64,
    /// The JSON text of all events.
    bytes: usize,
    bounds: Bounds,
}

/// What a topic keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

/// An event, written as JSON.
pub(super) struct Event<T> {
    pub(super) value: T,
    pub(super) json: Box<str>,
}

impl<T: Send + Sync> Published<T> for Event<T> {
    fn value(&self) -> &T {
        &self.value
    }

    fn json(&self) -> &str {
        &self.json
    }
}

/// What is at a number.
pub(super) enum Found<T> {
    Event(Arc<Event<T>>),
    /// The event is gone, and so are all before the event with this number.
    Gone(u64),
    /// There is no such event yet.
    None,
}

impl<T> Ring<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { events: VecDeque::new(), next: 0, bytes: 0, bounds }
    }

    /// Returns the number of the next event.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the number of the first of the last `count` events that are kept.
    pub(super) fn last(&self, count: usize) -> u64 {
        self.next - self.events.len().min(count) as u64
    }

    /// Adds an event. Returns the events that are gone: their values are dropped by the caller, outside of any lock.
    pub(super) fn push(&mut self, event: Event<T>) -> Vec<Arc<Event<T>>> {
        self.bytes += event.json.len();
        self.events.push_back(Arc::new(event));
        self.next += 1;
        let mut gone = Vec::new();
        // The newest event stays, however long it is.
        while self.events.len() > 1
            && self.is_too_full()
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.json.len();
            gone.push(oldest);
        }
        gone
    }

    fn is_too_full(&self) -> bool {
        self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes
    }

    pub(super) fn find(&self, number: u64) -> Found<T> {
        let first = self.last(usize::MAX);
        let Some(index) = number.checked_sub(first) else { return Found::Gone(first) };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.events.get(index).map_or(Found::None, |event| Found::Event(event.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(events: usize, bytes: usize, texts: &[&str]) -> Ring<()> {
        let mut ring = Ring::new(Bounds { events, bytes });
        for text in texts {
            ring.push(Event { value: (), json: (*text).into() });
        }
        ring
    }

    #[track_caller]
    fn check(ring: &Ring<()>, expected: &[(u64, &str)]) {
        let first = expected.first().map_or(ring.next(), |(number, _)| *number);
        assert!(first == 0 || matches!(ring.find(first - 1), Found::Gone(after) if after == first));
        for (number, text) in expected {
            assert!(matches!(ring.find(*number), Found::Event(event) if &*event.json == *text));
        }
        assert!(matches!(ring.find(ring.next()), Found::None));
    }

    #[test]
    fn the_oldest_events_go_first() {
        check(&ring(9, 99, &[]), &[]);
        check(&ring(9, 99, &["1", "2"]), &[(0, "1"), (1, "2")]);
        check(&ring(2, 99, &["1", "2", "3"]), &[(1, "2"), (2, "3")]);
        check(&ring(9, 4, &["11", "22", "3"]), &[(1, "22"), (2, "3")]);
        check(&ring(9, 2, &["1", "333"]), &[(1, "333")]);
    }

    #[test]
    fn who_comes_late_begins_with_the_last_events() {
        let ring = ring(2, 99, &["1", "2", "3"]);
        assert_eq!((ring.last(0), ring.last(1), ring.last(9)), (3, 2, 1));
    }
}
