//! Which owner has the most of one thing, such as bytes.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::{Owner, Place};

/// Owners by how much they have of one thing, and which of their sessions may end for it.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    owners: HashMap<Owner, Share>,
    /// Of each owner with a session that may end: how much the owner has, and the first of these sessions. The last
    /// entry of a set is the victim among its owners.
    unnamed: BTreeSet<Rank>,
    named: BTreeSet<Rank>,
    total: usize,
}

/// Places are unique, so no two owners have the same rank.
type Rank = (usize, Reverse<Place>);

/// The share of one owner.
#[derive(Debug, Default)]
pub(super) struct Share {
    pub(super) amount: usize,
    /// The sessions that may end.
    pub(super) places: BTreeSet<Place>,
}

impl Share {
    fn rank(&self) -> Option<Rank> {
        Some((self.amount, Reverse(*self.places.first()?)))
    }
}

impl Ranking {
    /// Changes the share of `owner`. An owner that has nothing is forgotten.
    pub(super) fn update(&mut self, owner: &Owner, change: impl FnOnce(&mut Share)) {
        let mut share = self.owners.remove(owner).unwrap_or_default();
        let (rank, amount) = (share.rank(), share.amount);
        change(&mut share);
        self.total = self.total - amount + share.amount;
        let ranks = if owner.is_named() { &mut self.named } else { &mut self.unnamed };
        if let Some(rank) = rank {
            ranks.remove(&rank);
        }
        ranks.extend(share.rank());
        if share.amount > 0 {
            self.owners.insert(owner.clone(), share);
        }
    }

    /// Returns how much all owners have together.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Returns the session that ends first: of the owner who has the most. If several have the most, an owner without
    /// a name comes first, then the owner whose session has been away for the longest time.
    pub(super) fn first(&self) -> Option<Place> {
        let (named, unnamed) = (self.named.last(), self.unnamed.last());
        let amount = |rank: Option<&Rank>| rank.map(|(amount, _)| *amount);
        let (_, Reverse(place)) = if amount(named) > amount(unnamed) { named } else { unnamed }?;
        Some(*place)
    }

    /// Returns the session that ends first of the owners with a name, or of those without, if its owner has more than
    /// `most`.
    pub(super) fn first_above(&self, most: usize, is_named: bool) -> Option<Place> {
        let ranks = if is_named { &self.named } else { &self.unnamed };
        let (amount, Reverse(place)) = ranks.last()?;
        (*amount > most).then_some(*place)
    }
}

#[cfg(test)]
impl Ranking {
    pub(super) fn is_empty(&self) -> bool {
        let ranks = self.named.len() + self.unnamed.len();
        (self.owners.len(), ranks, self.total) == (0, 0, 0)
    }
}
