//! A queue whose entries have numbers.

use std::collections::VecDeque;

/// A queue whose entries can be taken out of its middle, by the number they came in under. The
/// number of an entry taken out may be given again: who takes one out must forget its number.
pub(super) struct Tickets<T> {
    pub(super) entries: VecDeque<Option<T>>,
    /// The number of the first entry.
    pub(super) first: u64,
    /// How many entries are not gaps.
    pub(super) len: usize,
}

impl<T> Tickets<T> {
    pub(super) const fn new(first: u64) -> Self {
        Self { entries: VecDeque::new(), first, len: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, entry: T) -> u64 {
        self.entries.push_back(Some(entry));
        self.len += 1;
        self.first + self.entries.len() as u64 - 1
    }

    pub(super) fn push_front(&mut self, entry: T) {
        self.entries.push_front(Some(entry));
        self.first -= 1;
        self.len += 1;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().flatten()
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        while let Some(entry) = self.entries.pop_front() {
            self.first += 1;
            if entry.is_some() {
                self.len -= 1;
                return entry;
            }
        }
        None
    }

    pub(super) fn get_mut(&mut self, ticket: u64) -> Option<&mut T> {
        let index = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(index)?.as_mut()
    }

    pub(super) fn remove(&mut self, ticket: u64) -> Option<T> {
        let index = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        let entry = self.entries.get_mut(index)?.take()?;
        self.len -= 1;
        // Gaps at the end would pile up when messages come and go and nothing is ever sent.
        while matches!(self.entries.back(), Some(None)) {
            self.entries.pop_back();
        }
        Some(entry)
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for place in &mut self.entries {
            if place.as_ref().is_some_and(|entry| !keep(entry)) {
                *place = None;
                self.len -= 1;
            }
        }
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        // Not counted as taken: by its number it is known that an entry was thrown away.
        self.len = 0;
        std::mem::take(&mut self.entries).into_iter().flatten()
    }

    pub(super) fn shrink(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > 0 {
            self.entries = VecDeque::new();
        }
    }
}
