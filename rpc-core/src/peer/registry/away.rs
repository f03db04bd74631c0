//! The sessions of a server that have no link, and which of them end when there are too many.
//!
//! Such a session is memory that costs its client no socket. So each limit ends a session of the owner who has the
//! most of what the limit counts. An attacker loses its own sessions first, and an owner with less than its share
//! loses none to others. Each step takes a time that grows with the logarithm of the number of sessions.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use crate::limits::Limits;

mod owner;
#[cfg(test)]
mod properties;
mod ranking;
#[cfg(test)]
mod tests;

pub(in crate::peer) use owner::{Owner, Site};
use ranking::{Ranking, Share};

/// A session that has been away for less than this time gives its seat to nobody: its client may be on its way back.
const SEAT_AFTER: Duration = Duration::from_secs(10);

/// When a session went away, and its number in this order. No two sessions have the same place.
type Place = (Duration, u64);

/// The sessions that are away, by a key `S`.
#[derive(Debug)]
pub(in crate::peer) struct Away<S> {
    sessions: HashMap<S, Session>,
    keys: BTreeMap<Place, S>,
    next: u64,
    /// How many sessions an owner has.
    count: Ranking,
    /// The same, but only sessions that are no longer `fresh` may end.
    seats: Ranking,
    /// Sessions that were away for less than `SEAT_AFTER` when last looked at.
    fresh: BTreeSet<Place>,
    bytes: Ranking,
    handlers: Ranking,
    /// The sessions of an address, or of an IPv6 network, whoever owns them.
    sites: HashMap<Site, BTreeSet<Place>>,
}

/// A session that is to end for others, and the limit that it is beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::peer) struct Evicted<S> {
    pub(in crate::peer) session: S,
    pub(in crate::peer) limit: &'static str,
}

#[derive(Debug)]
struct Session {
    owner: Owner,
    site: Site,
    place: Place,
    bytes: usize,
    handlers: usize,
}

impl<S> Default for Away<S> {
    fn default() -> Self {
        Self {
            sessions: HashMap::new(),
            keys: BTreeMap::new(),
            next: 0,
            count: Ranking::default(),
            seats: Ranking::default(),
            fresh: BTreeSet::new(),
            bytes: Ranking::default(),
            handlers: Ranking::default(),
            sites: HashMap::new(),
        }
    }
}

impl<S: Clone + Eq + Hash> Away<S> {
    /// Notes that a session has lost its link. A session that was away already is away from now on.
    pub(in crate::peer) fn enter(&mut self, session: S, owner: Owner, site: Site, now: Duration) {
        self.leave(&session);
        let place = (now, self.next);
        self.next += 1;
        self.count.update(&owner, |share| {
            share.amount += 1;
            share.places.insert(place);
        });
        self.seats.update(&owner, |share| share.amount += 1);
        self.fresh.insert(place);
        self.keys.insert(place, session.clone());
        self.sites.entry(site).or_default().insert(place);
        self.sessions.insert(session, Session { owner, site, place, bytes: 0, handlers: 0 });
    }

    /// Notes how many bytes of messages a session keeps. Without effect if the session is not away.
    pub(in crate::peer) fn set_bytes(&mut self, session: &S, bytes: usize) {
        if let Some(session) = self.sessions.get_mut(session) {
            change(&mut self.bytes, session, session.bytes, bytes);
            session.bytes = bytes;
        }
    }

    /// Notes how many handlers run in a session. Without effect if the session is not away.
    pub(in crate::peer) fn set_handlers(&mut self, session: &S, handlers: usize) {
        if let Some(session) = self.sessions.get_mut(session) {
            change(&mut self.handlers, session, session.handlers, handlers);
            session.handlers = handlers;
        }
    }

    /// Notes that a session has a link again, or has ended. Returns whether the session was away.
    pub(in crate::peer) fn leave(&mut self, session: &S) -> bool {
        let Some(session) = self.sessions.remove(session) else { return false };
        let place = session.place;
        let leave = |share: &mut Share| {
            share.amount -= 1;
            share.places.remove(&place);
        };
        self.count.update(&session.owner, leave);
        self.seats.update(&session.owner, leave);
        change(&mut self.bytes, &session, session.bytes, 0);
        change(&mut self.handlers, &session, session.handlers, 0);
        self.fresh.remove(&place);
        self.keys.remove(&place);
        if let Entry::Occupied(mut of_site) = self.sites.entry(session.site) {
            of_site.get_mut().remove(&place);
            if of_site.get().is_empty() {
                of_site.remove();
            }
        }
        true
    }

    /// Takes out the sessions that are beyond a limit. The caller ends them.
    ///
    /// The limits are `away_per_caller`, `away_per_address`, `away_bytes_total` and `away_handlers`. A session without
    /// bytes does not end for bytes, and one without handlers does not end for handlers.
    #[must_use]
    pub(in crate::peer) fn evict(&mut self, limits: &Limits) -> Vec<Evicted<S>> {
        let mut evicted = Vec::new();
        while let Some((place, limit)) = self.beyond(limits) {
            evicted.extend(self.take(place, limit));
        }
        evicted
    }

    /// Takes out the session that gives its seat to a new connection. The caller ends it. `None` if every session has
    /// been away for less than 10 s.
    #[must_use]
    pub(in crate::peer) fn evict_for_seat(&mut self, now: Duration) -> Option<Evicted<S>> {
        while let Some(place) = self.fresh.first().copied() {
            if now.saturating_sub(place.0) < SEAT_AFTER {
                break;
            }
            self.fresh.remove(&place);
            let owner = &self.sessions[&self.keys[&place]].owner;
            self.seats.update(owner, |share| share.places.extend([place]));
        }
        let place = self.seats.first()?;
        self.take(place, "connections")
    }

    /// Takes out the session that gives its seat to a new connection of the same address: the one that has been away
    /// for longest. The caller ends the session. `None` if every session of the address has been away for less than
    /// 10 s.
    #[must_use]
    pub(in crate::peer) fn evict_of_site(
        &mut self,
        site: Site,
        now: Duration,
    ) -> Option<Evicted<S>> {
        let place = *self.sites.get(&site)?.first()?;
        if now.saturating_sub(place.0) < SEAT_AFTER {
            return None;
        }
        self.take(place, "connections_per_address")
    }

    /// Returns the number of sessions.
    pub(in crate::peer) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Returns the bytes of messages that the sessions keep.
    pub(in crate::peer) fn bytes(&self) -> usize {
        self.bytes.total()
    }

    /// Returns a session that is beyond a limit, and the limit.
    fn beyond(&self, limits: &Limits) -> Option<(Place, &'static str)> {
        let of_caller = || self.count.first_above(limits.away_per_caller, true);
        let of_address = || self.count.first_above(limits.away_per_address, false);
        let total = |ranking: &Ranking, most| (ranking.total() > most).then(|| ranking.first())?;
        let handlers = || total(&self.handlers, limits.away_handlers);
        let bytes = || total(&self.bytes, limits.away_bytes_total);
        let named = |limit| move |place| (place, limit);
        (of_caller().map(named("away_per_caller")))
            .or_else(|| of_address().map(named("away_per_address")))
            .or_else(|| handlers().map(named("away_handlers")))
            .or_else(|| bytes().map(named("away_bytes_total")))
    }

    fn take(&mut self, place: Place, limit: &'static str) -> Option<Evicted<S>> {
        let session = self.keys.get(&place)?.clone();
        self.leave(&session);
        Some(Evicted { session, limit })
    }
}

/// Changes how much a session has of what `ranking` counts.
fn change(ranking: &mut Ranking, session: &Session, before: usize, after: usize) {
    if before == after {
        return;
    }
    ranking.update(&session.owner, |share| {
        share.amount = share.amount - before + after;
        if after == 0 {
            share.places.remove(&session.place);
        } else {
            share.places.insert(session.place);
        }
    });
}
