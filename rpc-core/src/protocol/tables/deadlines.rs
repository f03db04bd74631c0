//! Which entries of a table have run out, without a timer or a heap for each.

use std::time::Duration;

/// The earliest deadline of a table, or an earlier one that is gone already.
///
/// Adding is one comparison, and most entries leave before their time without a word. When the
/// earliest time has come the whole table is looked through once; as tables are bounded, even
/// someone who sets the shortest deadlines makes that happen at most once in a millisecond.
#[derive(Debug)]
pub(crate) struct Deadlines {
    earliest: Option<Duration>,
}

impl Deadlines {
    pub(crate) const fn new() -> Self {
        Self { earliest: None }
    }

    /// Counts in the deadline of a new entry.
    pub(crate) fn add(&mut self, deadline: Option<Duration>) {
        if let Some(deadline) = deadline {
            self.earliest = Some(self.earliest.map_or(deadline, |earliest| earliest.min(deadline)));
        }
    }

    /// Returns a time before which no deadline comes.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.earliest
    }

    /// Returns those of the table's `entries` whose deadline has come.
    pub(crate) fn expired<K>(
        &mut self,
        now: Duration,
        entries: impl Iterator<Item = (K, Option<Duration>)>,
    ) -> Vec<K> {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return Vec::new();
        }
        self.earliest = None;
        let mut expired = Vec::new();
        for (key, deadline) in entries {
            match deadline {
                Some(deadline) if deadline <= now => expired.push(key),
                other => self.add(other),
            }
        }
        expired
    }
}

#[cfg(test)]
mod properties;
