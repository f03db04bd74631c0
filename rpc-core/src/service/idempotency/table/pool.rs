//! Callers that share room. The caller with the most bytes makes room.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::owner::{CALL, CALLER, Owner, Weight};
use super::{Begun, Fingerprint, Lack, Name};
use crate::util::sync::Arc;

/// The records of each caller, and the order in which callers lose them. The cost of each operation does not depend
/// on the number of other callers or on the number of their records.
pub(super) struct Pool<R, A> {
    owners: HashMap<Arc<str>, Owner<R, A>>,
    /// The callers with records that can be dropped.
    by_weight: BTreeMap<Weight, Arc<str>>,
    /// The callers, by the time at which their next record expires.
    by_due: BTreeMap<(Duration, u64), Arc<str>>,
    bytes: usize,
    running: usize,
    next_serial: u64,
}

/// The limits of a pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) bytes: usize,
    pub(super) running: usize,
}

impl Share {
    /// Returns whether a caller with `own` running calls may begin another one, of `all` running calls. Half of the
    /// places are for callers without a running call. A caller may take at most half of the free places of the other
    /// half, so that many callers get some.
    fn has_place(&self, own: usize, all: usize) -> bool {
        let free = self.running.saturating_sub(all);
        if own == 0 { free > 0 } else { 2 * own < free.saturating_sub(self.running / 2) }
    }
}

impl<R: Clone, A: Clone> Pool<R, A> {
    pub(super) fn new() -> Self {
        Self {
            owners: HashMap::new(),
            by_weight: BTreeMap::new(),
            by_due: BTreeMap::new(),
            bytes: 0,
            running: 0,
            next_serial: 0,
        }
    }

    /// Begins a call; see [`Table::begin`](super::Table::begin).
    pub(super) fn begin(
        &mut self,
        name: Name,
        hash: u64,
        fingerprint: Fingerprint,
        share: Share,
        now: Duration,
        run: impl FnOnce() -> R,
    ) -> Begun<R, A> {
        self.change(&name.caller.name, |owner| owner.expire(now, usize::MAX));
        let owner = self.owners.get(&name.caller.name);
        if let Some(known) = owner.and_then(|owner| owner.find(&name.key, hash, fingerprint)) {
            return known;
        }
        if !share.has_place(owner.map_or(0, |owner| owner.running), self.running) {
            return Begun::Busy(Lack::Running);
        }
        // With more marks there would soon be no room for an answer.
        if let Some(owner) = owner.filter(|owner| owner.marked() > share.bytes / 2) {
            return Begun::Busy(Lack::Room(owner.due().map(|due| due.saturating_sub(now))));
        }
        let caller = if owner.is_some() { 0 } else { CALLER + name.caller.name.len() };
        if let Err(wait) =
            self.admit(&name.caller.name, caller + CALL + name.key.len(), share.bytes, now)
        {
            return Begun::Busy(Lack::Room(wait));
        }
        self.own(&name.caller.name);
        let run = run();
        self.change(&name.caller.name, |owner| {
            owner.run(name.key.clone(), name.serial, hash, fingerprint, run);
        });
        Begun::Run(name)
    }

    /// Makes room for `claim` more bytes of a caller, or returns when there may be some.
    fn admit(
        &mut self,
        caller: &str,
        claim: usize,
        room: usize,
        now: Duration,
    ) -> Result<(), Option<Duration>> {
        while self.bytes + claim > room {
            let own = self.owners.get(caller).map_or(0, |owner| owner.bytes) + claim;
            let excess = self.bytes + claim - room;
            let has_room = self.expire_first(now)
                || self.lighten(excess, own)
                || self.change(caller, Owner::forget_for_itself) == Some(true);
            if !has_room {
                return Err(self.due().map(|due| due.saturating_sub(now)));
            }
        }
        Ok(())
    }

    /// Stores an answer; see [`Table::answer`](super::Table::answer).
    pub(super) fn answer(
        &mut self,
        name: &Name,
        answer: A,
        text: usize,
        room: usize,
        now: Duration,
    ) {
        self.change(&name.caller.name, |owner| {
            owner.answer(&name.key, name.serial, answer, text, now)
        });
        while self.bytes > room && (self.expire_first(now) || self.lighten(self.bytes - room, 0)) {}
    }

    pub(super) fn forget(&mut self, name: &Name) {
        self.change(&name.caller.name, |owner| owner.forget_run(&name.key, name.serial));
    }

    /// Removes and returns all records of a caller. Drop them without a lock.
    pub(super) fn forget_caller(&mut self, caller: &str) -> Option<Owner<R, A>> {
        let gone = self.owners.remove(caller)?;
        self.unlist(gone.weight(), gone.due(), gone.serial);
        self.bytes -= gone.bytes;
        self.running -= gone.running;
        Some(gone)
    }

    /// Drops some expired records, and returns how many.
    pub(super) fn expire(&mut self, now: Duration, most: usize) -> usize {
        let Some((_, first)) = self.by_due.first_key_value().filter(|((due, _), _)| *due <= now)
        else {
            return 0;
        };
        let first = first.clone();
        // A caller whose blind time has just ended counts as well.
        self.change(&first, |owner| owner.expire(now, most)).unwrap_or_default().max(1)
    }

    fn expire_first(&mut self, now: Duration) -> bool {
        self.expire(now, 1) > 0
    }

    /// Returns when the next record expires.
    pub(super) fn due(&self) -> Option<Duration> {
        self.by_due.first_key_value().map(|((due, _), _)| *due)
    }

    /// Makes the caller with the most bytes drop `excess` bytes, or less: it stops when another caller has the most,
    /// or when it has no more than `least`. Returns whether there was a caller with more than `least`.
    fn lighten(&mut self, excess: usize, least: usize) -> bool {
        let mut heaviest = self.by_weight.iter().rev();
        let Some((&(bytes, _), name)) = heaviest.next() else { return false };
        if bytes <= least {
            return false;
        }
        let next = heaviest.next().map_or(0, |(&(bytes, _), _)| bytes).max(least);
        let enough = bytes.saturating_sub(excess).max(next.min(bytes - 1));
        let name = name.clone();
        self.change(&name, |owner| while owner.bytes > enough && owner.forget() {});
        true
    }

    fn own(&mut self, caller: &Arc<str>) {
        if !self.owners.contains_key(caller) {
            self.next_serial += 1;
            let owner = Owner::new(caller.clone(), self.next_serial);
            self.bytes += owner.bytes;
            self.owners.insert(caller.clone(), owner);
        }
    }

    /// Changes the records of a caller, and removes a caller without records. Returns `None` if the caller is not
    /// known.
    fn change<T>(&mut self, caller: &str, change: impl FnOnce(&mut Owner<R, A>) -> T) -> Option<T> {
        let owner = self.owners.get_mut(caller)?;
        let (weight, due, serial) = (owner.weight(), owner.due(), owner.serial);
        self.bytes -= owner.bytes;
        self.running -= owner.running;
        let result = change(owner);
        let name = owner.name.clone();
        let (weight_now, due_now) = (owner.weight(), owner.due());
        self.bytes += owner.bytes;
        self.running += owner.running;
        if owner.is_empty() {
            self.bytes -= owner.bytes;
            self.owners.remove(caller);
        }
        if weight != weight_now || due != due_now {
            self.unlist(weight, due, serial);
            if let Some(weight) = weight_now {
                self.by_weight.insert(weight, name.clone());
            }
            if let Some(due) = due_now {
                self.by_due.insert((due, serial), name);
            }
        }
        Some(result)
    }

    fn unlist(&mut self, weight: Option<Weight>, due: Option<Duration>, serial: u64) {
        if let Some(weight) = weight {
            self.by_weight.remove(&weight);
        }
        if let Some(due) = due {
            self.by_due.remove(&(due, serial));
        }
    }

    /// Returns the bytes of all records.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of running calls.
    pub(super) fn running(&self) -> usize {
        self.running
    }
}

#[cfg(test)]
impl<R: Clone, A: Clone> Pool<R, A> {
    pub(super) fn owners(&self) -> impl Iterator<Item = &Owner<R, A>> {
        self.owners.values()
    }

    /// Checks that all counts agree with the records.
    pub(super) fn check(&self) {
        let sum = |of: fn(&Owner<R, A>) -> usize| self.owners().map(of).sum::<usize>();
        assert_eq!(
            (self.bytes, self.running),
            (sum(|owner| owner.bytes), sum(|owner| owner.running))
        );
        let weights = self.owners().filter_map(Owner::weight).count();
        let dues = self.owners().filter_map(Owner::due).count();
        assert_eq!((self.by_weight.len(), self.by_due.len()), (weights, dues));
        assert!(self.owners().all(|owner| !owner.is_empty()));
    }
}
