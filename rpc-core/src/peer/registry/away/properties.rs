//! Compares the sessions that are away with a plain list, which is searched from end to end for each victim.

use std::cmp::Reverse;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Enter(usize, usize),
    Bytes(usize, usize),
    Handlers(usize, usize),
    Leave(usize),
    Evict,
    Seat,
    SeatOf(usize),
    Wait(u64),
}

const SESSIONS: usize = 24;

/// The first half of the owners has names.
const OWNERS: usize = 6;

/// Two owners have an address, one with a name and one without.
const SITES: usize = OWNERS / 2;

fn step() -> impl Strategy<Value = Step> {
    let session = || 0..SESSIONS;
    prop_oneof![
        6 => (session(), 0..OWNERS).prop_map(|(session, owner)| Step::Enter(session, owner)),
        4 => (session(), 0..20usize).prop_map(|(session, bytes)| Step::Bytes(session, bytes)),
        3 => (session(), 0..4usize).prop_map(|(session, count)| Step::Handlers(session, count)),
        2 => session().prop_map(Step::Leave),
        2 => Just(Step::Evict),
        2 => Just(Step::Seat),
        2 => (0..SITES).prop_map(Step::SeatOf),
        3 => (0..6u64).prop_map(Step::Wait),
    ]
}

fn owner(number: usize) -> Owner {
    let name = (number < OWNERS / 2).then(|| number.to_string().into());
    Owner::new(name, Some(address(number).into()))
}

fn address(owner: usize) -> [u8; 4] {
    [192, 0, 2, u8::try_from(owner % SITES).unwrap()]
}

fn site(owner: usize) -> Site {
    Site::new(Some(address(owner).into()))
}

fn limits() -> Limits {
    let mut limits = Limits::server();
    limits.away_per_caller = 3;
    limits.away_per_address = 5;
    limits.away_bytes_total = 60;
    limits.away_handlers = 7;
    limits
}

#[derive(Debug, Clone)]
struct Known {
    session: usize,
    owner: usize,
    since: Duration,
    bytes: usize,
    handlers: usize,
}

/// Sessions in the order in which they went away.
#[derive(Debug, Default)]
struct Model(Vec<Known>);

impl Model {
    fn total(&self, of: impl Fn(&Known) -> usize) -> usize {
        self.0.iter().map(of).sum()
    }

    /// Takes the victim of `owners` among the sessions that `may` end, where `of` is what counts.
    fn take(
        &mut self,
        owners: impl Fn(usize) -> bool,
        may: impl Fn(&Known) -> bool,
        of: impl Fn(&Known) -> usize,
    ) -> Option<usize> {
        let has =
            |owner| self.0.iter().filter(|known| known.owner == owner).map(&of).sum::<usize>();
        let places = 0..self.0.len();
        let victims = places.filter(|at| owners(self.0[*at].owner) && may(&self.0[*at]));
        let rank = |at: &usize| {
            let owner = self.0[*at].owner;
            (has(owner), owner >= OWNERS / 2, Reverse(*at))
        };
        let victim = victims.max_by_key(rank)?;
        Some(self.0.remove(victim).session)
    }

    fn evict(&mut self, limits: &Limits) -> Vec<(&'static str, usize)> {
        let mut evicted = Vec::new();
        for owner in 0..OWNERS {
            let is_named = owner < OWNERS / 2;
            let (limit, most) = if is_named {
                ("away_per_caller", limits.away_per_caller)
            } else {
                ("away_per_address", limits.away_per_address)
            };
            while self.total(|known| usize::from(known.owner == owner)) > most {
                let session = self.take(|it| it == owner, |_| true, |_| 1);
                evicted.extend(session.map(|session| (limit, session)));
            }
        }
        while self.total(|known| known.handlers) > limits.away_handlers {
            let session = self.take(|_| true, |it| it.handlers > 0, |it| it.handlers);
            evicted.extend(session.map(|session| ("away_handlers", session)));
        }
        while self.total(|known| known.bytes) > limits.away_bytes_total {
            let session = self.take(|_| true, |it| it.bytes > 0, |it| it.bytes);
            evicted.extend(session.map(|session| ("away_bytes_total", session)));
        }
        evicted
    }
}

proptest! {
    #[test]
    fn sessions_away_agree_with_a_list(steps in vec(step(), 0..200)) {
        let (mut away, mut model, mut now) = (Away::default(), Model::default(), Duration::ZERO);
        for step in steps {
            match step {
                Step::Enter(session, number) => {
                    away.enter(session, owner(number), site(number), now);
                    model.0.retain(|known| known.session != session);
                    let since = now;
                    model.0.push(Known { session, owner: number, since, bytes: 0, handlers: 0 });
                }
                Step::Bytes(session, bytes) => {
                    away.set_bytes(&session, bytes);
                    let known = model.0.iter_mut().filter(|known| known.session == session);
                    known.for_each(|known| known.bytes = bytes);
                }
                Step::Handlers(session, handlers) => {
                    away.set_handlers(&session, handlers);
                    let known = model.0.iter_mut().filter(|known| known.session == session);
                    known.for_each(|known| known.handlers = handlers);
                }
                Step::Leave(session) => {
                    let before = model.0.len();
                    model.0.retain(|known| known.session != session);
                    prop_assert_eq!(away.leave(&session), model.0.len() < before);
                }
                Step::Evict => {
                    // The callers and addresses that have too many come in any order.
                    let evicted = away.evict(&limits()).into_iter();
                    let mut evicted: Vec<_> = evicted.map(|it| (it.limit, it.session)).collect();
                    let mut expected = model.evict(&limits());
                    evicted.sort_unstable();
                    expected.sort_unstable();
                    prop_assert_eq!(evicted, expected);
                }
                Step::Seat => {
                    let may = |known: &Known| now - known.since >= SEAT_AFTER;
                    let expected = model.take(|_| true, may, |_| 1);
                    let evicted = away.evict_for_seat(now).map(|evicted| evicted.session);
                    prop_assert_eq!(evicted, expected);
                }
                Step::SeatOf(place) => {
                    let is_of_site = |known: &Known| site(known.owner) == site(place);
                    let first = model.0.iter().find(|known| is_of_site(known));
                    let is_late = |known: &&Known| now - known.since >= SEAT_AFTER;
                    let expected = first.filter(is_late).map(|known| known.session);
                    model.0.retain(|known| Some(known.session) != expected);
                    let evicted = away.evict_of_site(site(place), now);
                    prop_assert_eq!(evicted.map(|evicted| evicted.session), expected);
                }
                Step::Wait(time) => now += Duration::from_secs(time),
            }
            prop_assert_eq!(away.len(), model.0.len());
            prop_assert_eq!(away.bytes(), model.total(|known| known.bytes));
        }
        for session in 0..SESSIONS {
            away.leave(&session);
        }
        prop_assert!(away.is_forgotten());
    }
}

impl<S: Clone + Eq + Hash> Away<S> {
    /// Returns whether nothing is left of any session or owner.
    fn is_forgotten(&self) -> bool {
        let rankings = [&self.count, &self.seats, &self.bytes, &self.handlers];
        let are_empty = self.keys.is_empty() && self.fresh.is_empty() && self.sites.is_empty();
        are_empty && rankings.into_iter().all(Ranking::is_empty)
    }
}
