//! The sessions of a registry: how many there are, which are without a link, and what became of attempts to resume.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::PeerRegistry;
use super::away::{Away, Evicted, Owner, Site};
use crate::peer::slot::Shared;
use crate::util::clock::Clock;
use crate::util::sync::{Arc, AtomicU64, Mutex, OnceLock, Ordering};

/// The sessions of a registry.
#[derive(Default)]
pub(super) struct Sessions {
    clock: OnceLock<Clock>,
    away: Mutex<Away<Session>>,
    granted: AtomicU64,
    ended: AtomicU64,
    resumed: AtomicU64,
    taken_over: AtomicU64,
    evicted: Mutex<BTreeMap<&'static str, u64>>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

/// A session as a key: its connection.
#[derive(Clone)]
struct Session(Arc<Shared>);

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Session {}

impl std::hash::Hash for Session {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

/// Figures about the sessions of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionStats {
    /// Sessions that have a link.
    pub up: usize,
    /// Sessions that have no link.
    pub away: usize,
    /// Bytes that the sessions without a link keep, with 128 for each message.
    pub away_bytes: usize,
    /// How often a session was resumed. Since the start.
    pub resumed: u64,
    /// How often a session was resumed although the link before was still there. Since the start.
    pub taken_over: u64,
    /// How often a session was not resumed, by the reason that the client was told: `unknown`, `counts` or `ended`.
    /// Since the start.
    pub refused: BTreeMap<&'static str, u64>,
    /// Sessions that have ended for others, by the limit that they were beyond: there were too many without a link
    /// (`away_per_caller`, `away_per_address`, `away_handlers`, `away_bytes_total`), or a new connection needed their
    /// place (`connections`, `connections_per_address`). Since the start.
    pub evicted: BTreeMap<&'static str, u64>,
}

impl PeerRegistry {
    /// Returns figures about the sessions.
    pub fn sessions(&self) -> SessionStats {
        let sessions = &self.inner.sessions;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (away, away_bytes) = {
            let away = sessions.away.lock().unwrap();
            (away.len(), away.bytes())
        };
        let open = count(&sessions.granted).saturating_sub(count(&sessions.ended)) as usize;
        SessionStats {
            up: open.saturating_sub(away),
            away,
            away_bytes,
            resumed: count(&sessions.resumed),
            taken_over: count(&sessions.taken_over),
            refused: sessions.refused.lock().unwrap().clone(),
            evicted: sessions.evicted.lock().unwrap().clone(),
        }
    }

    /// Ends the session that gives its place to a new connection: of the owner who has the most sessions without a
    /// link, the one that has been away for longest. Returns whether there was one. A session that has been away for
    /// less than 10 s is none.
    pub fn evict_for_seat(&self) -> bool {
        let sessions = &self.inner.sessions;
        let now = sessions.now();
        let evicted = sessions.away.lock().unwrap().evict_for_seat(now);
        self.evict(evicted)
    }

    /// Ends the session that gives its place to a new connection of the same address, or IPv6 network (the first 64
    /// bits): the one that has been without a link for longest. Returns whether there was one. A session that has been
    /// away for less than 10 s is none.
    pub fn evict_of_address(&self, address: Option<IpAddr>) -> bool {
        let sessions = &self.inner.sessions;
        let now = sessions.now();
        let evicted = sessions.away.lock().unwrap().evict_of_site(Site::new(address), now);
        self.evict(evicted)
    }

    /// Notes that a session was granted.
    pub(crate) fn session_granted(&self) {
        self.inner.sessions.granted.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a session has lost its link, and ends sessions if there are too many now.
    pub(crate) fn session_away(&self, shared: &Arc<Shared>) {
        let sessions = &self.inner.sessions;
        let address = shared.address.get().copied();
        let owner = Owner::new(shared.identity(), address);
        let now = sessions.now();
        let evicted = {
            let mut away = sessions.away.lock().unwrap();
            away.enter(Session(shared.clone()), owner, Site::new(address), now);
            away.evict(&shared.config.limits)
        };
        self.evict(evicted);
    }

    /// Notes what a session without a link keeps, and ends sessions if that is too much for all.
    pub(crate) fn session_keeps(&self, shared: &Arc<Shared>, bytes: usize, handlers: usize) {
        let session = Session(shared.clone());
        let evicted = {
            let mut away = self.inner.sessions.away.lock().unwrap();
            away.set_bytes(&session, bytes);
            away.set_handlers(&session, handlers);
            away.evict(&shared.config.limits)
        };
        self.evict(evicted);
    }

    /// Notes that a session was resumed over another link, which `took_over` if the one before was still there.
    pub(crate) fn session_resumed(&self, shared: &Arc<Shared>, took_over: bool) {
        let sessions = &self.inner.sessions;
        sessions.away.lock().unwrap().leave(&Session(shared.clone()));
        sessions.resumed.fetch_add(1, Ordering::Relaxed);
        if took_over {
            sessions.taken_over.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that a session was not resumed. `why` is what the client is told.
    pub(crate) fn session_refused(&self, why: &'static str) {
        *self.inner.sessions.refused.lock().unwrap().entry(why).or_default() += 1;
    }

    /// Notes that a connection with a session has ended.
    pub(super) fn session_ended(&self, shared: &Arc<Shared>) {
        let sessions = &self.inner.sessions;
        sessions.ended.fetch_add(1, Ordering::Relaxed);
        sessions.away.lock().unwrap().leave(&Session(shared.clone()));
    }

    /// Ends sessions for others, unless they have a link by then. Returns whether there were any.
    fn evict(&self, evicted: impl IntoIterator<Item = Evicted<Session>>) -> bool {
        let mut were_some = false;
        for Evicted { session: Session(shared), limit } in evicted {
            were_some = true;
            *self.inner.sessions.evicted.lock().unwrap().entry(limit).or_default() += 1;
            shared.with(|state| state.commands.get_or_insert_default().give_up = true);
        }
        were_some
    }
}

impl Sessions {
    fn now(&self) -> Duration {
        self.clock.get_or_init(Clock::start).now()
    }
}
