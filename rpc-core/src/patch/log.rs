//! The changes from version to version of a value, for receivers that skip versions.

use std::collections::{HashSet, VecDeque};

use super::operations::{Kind, Named, Operations};

/// The latest changes. The log is not longer than the value: a receiver that misses more is better off with the value.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The changes up to the version `last`, one for each version.
    changes: VecDeque<Operations>,
    last: u64,
    bytes: usize,
}

impl Log {
    /// Returns the version that the changes lead to.
    pub(crate) fn version(&self) -> u64 {
        self.last
    }

    /// Begins the next version. `change` leads to it; `None` forgets all changes. The log keeps at most `limit` bytes.
    pub(crate) fn push(&mut self, change: Option<Operations>, limit: usize) {
        self.last += 1;
        match change {
            Some(change) => {
                self.bytes += change.text().len();
                self.changes.push_back(change);
            }
            None => {
                self.changes.clear();
                self.bytes = 0;
            }
        }
        while self.bytes > limit
            && let Some(oldest) = self.changes.pop_front()
        {
            self.bytes -= oldest.text().len();
        }
    }

    /// Returns the operations that lead from a version to the last one, with a comma between two of them; `None` if the
    /// log does not reach back so far.
    pub(crate) fn since(&self, version: u64) -> Option<String> {
        let count = usize::try_from(self.last.checked_sub(version)?).ok()?;
        let first = self.changes.len().checked_sub(count)?;
        let changes = self.changes.range(first..);
        Some(match count {
            1 => changes.map(Operations::text).collect(),
            _ => merged(changes.flat_map(Operations::iter)),
        })
    }
}

/// Leaves out operations whose effect a later operation undoes.
fn merged<'a>(operations: impl DoubleEndedIterator<Item = Named<'a>>) -> String {
    let mut later = Later::default();
    let mut needed: Vec<_> = operations.rev().filter(|operation| later.needs(operation)).collect();
    needed.reverse();
    needed.iter().map(|operation| operation.text).collect::<Vec<_>>().join(",")
}

/// What later operations do, while operations are looked at from the last to the first.
#[derive(Default)]
struct Later<'a> {
    /// Paths that are set.
    set: HashSet<&'a str>,
    /// Paths that are removed. What is beneath is not needed; the removal itself needs something to remove.
    removed: HashSet<&'a str>,
}

impl<'a> Later<'a> {
    /// Returns whether the operation has an effect that later operations leave.
    fn needs(&mut self, operation: &Named<'a>) -> bool {
        let path = operation.path;
        let mut around = path.match_indices('/').map(|(end, _)| &path[..end]);
        if around.any(|path| self.set.contains(path) || self.removed.contains(path)) {
            return false;
        }
        match operation.kind {
            // The paths of earlier operations mean other elements.
            Kind::Insert | Kind::RemoveElement => *self = Self::default(),
            _ if self.set.contains(path) => return false,
            Kind::Set | Kind::Replace => drop(self.set.insert(path)),
            Kind::RemoveMember => drop(self.removed.insert(path)),
        }
        true
    }
}
