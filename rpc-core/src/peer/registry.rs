//! The peers that belong together: those of one server.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::error::close::{CloseCode, CloseReason, ClosedBy};
use crate::peer::Peer;
use crate::peer::group::{Group, Groups};
use crate::peer::slot::Shared;
use crate::service::idempotency::Once;
use crate::util::sync::{Arc, AtomicU64, AtomicUsize, Mutex, Ordering};

mod names;
mod pending;

use names::Names;
pub use names::SameName;
use pending::{Kick, PendingPeers};

/// A connected end, and a number that tells the order in which they came.
type Member = (u64, Arc<Shared>);

/// So many reasons are counted each by itself.
const REASONS: usize = 100;

/// Who is connected. Each server has one, shared by its connections; clones are the same hub.
#[derive(Clone, Default)]
pub struct PeerRegistry {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By id.
    peers: Mutex<HashMap<Box<str>, Member>>,
    next: AtomicU64,
    pending: PendingPeers,
    closes: Mutex<BTreeMap<String, u64>>,
    /// The same by reason, of those that this end has closed.
    reasons: Mutex<BTreeMap<String, u64>>,
    groups: Groups,
    names: Names,
    /// The largest message that any end of this hub may send; 0 while there was no end.
    message_out: AtomicUsize,
    /// A clone for each detached handler.
    detached: Arc<()>,
    once: Arc<Once>,
}

/// Counts one handler while it lives.
pub(crate) struct Detached(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl PeerRegistry {
    /// A hub without peers.
    pub fn new() -> Self {
        Self::default()
    }

    /// All peers, in the order in which they connected.
    pub fn peers(&self) -> Vec<Peer> {
        let mut peers: Vec<_> = self.inner.peers.lock().unwrap().values().cloned().collect();
        peers.sort_unstable_by_key(|(number, _)| *number);
        peers.into_iter().map(|(_, shared)| Peer { shared }).collect()
    }

    /// The peer with this id, if it is connected.
    pub fn peer(&self, id: &str) -> Option<Peer> {
        let peers = self.inner.peers.lock().unwrap();
        peers.get(id).map(|(_, shared)| Peer { shared: shared.clone() })
    }

    /// How many peers there are.
    pub fn len(&self) -> usize {
        self.inner.peers.lock().unwrap().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The group with this name, which need not have members.
    pub fn group(&self, name: &str) -> Group {
        Group::new(self.clone(), name)
    }

    /// How many groups have members.
    pub fn group_count(&self) -> usize {
        self.inner.groups.len()
    }

    /// Ends at once the connections of all peers for which `who` is true: see [`Peer::kick`]. Returns how many
    /// of them were connected.
    ///
    /// `who` is also asked about peers that are just being let in, as soon as they are connected, and about guests
    /// when they have logged in. So no peer slips through that was let in by rules of before this call. And `who` is
    /// asked about peers whose connection has ended while their calls under an
    /// [idempotency key](crate::Call::idempotency_key) go on: those calls are stopped.
    ///
    /// # Panics
    /// If `who` panics. If `who` panics again for a peer that is being let in, that peer is not let in.
    pub fn kick(
        &self,
        who: impl Fn(&Peer) -> bool + Send + Sync + 'static,
        code: CloseCode,
        reason: &str,
    ) -> usize {
        let kick = Arc::new(Kick { who: Box::new(who), code, reason: reason.to_owned() });
        // First those who come: whoever is not among them any more is among the others.
        self.inner.pending.keep(&kick);
        let count = self.peers().iter().filter(|peer| kick.end(peer)).count();
        let is_meant = |shared: &Arc<Shared>| (kick.who)(&Peer { shared: shared.clone() });
        self.inner.once.stop_orphans_of(is_meant);
        count
    }

    /// One more is on the way in.
    pub(crate) fn expect(&self, id: &str) {
        self.inner.pending.expect(id);
    }

    /// It is known who someone is.
    pub(crate) fn is_here(&self, peer: &Peer) {
        self.inner.pending.take(peer.id()).iter().for_each(|kick| kick.end_late(peer));
    }

    /// One who was on the way in does not come.
    pub(crate) fn forget(&self, id: &str) {
        self.inner.pending.take(id);
    }

    /// How many [detached](crate::types::Handler::detached) handlers run, those of ended connections included, together
    /// with the calls under an [idempotency key](crate::Call::idempotency_key) that go on although their
    /// connection has ended.
    pub fn detached(&self) -> usize {
        Arc::strong_count(&self.inner.detached) - 1
    }

    /// One detached handler more, until what is returned is dropped; `None` if there are `most`.
    pub(crate) fn detach(&self, most: usize) -> Option<Detached> {
        let one = Detached(self.inner.detached.clone());
        (self.detached() <= most).then_some(one)
    }

    /// Counts one more handler that outlives its connection. It has a limit of its own.
    pub(crate) fn detach_another(&self) -> Detached {
        Detached(self.inner.detached.clone())
    }

    /// Answers that are given again.
    pub(crate) fn once(&self) -> &Arc<Once> {
        &self.inner.once
    }

    /// Notes that one end of this hub may send messages of so many bytes.
    pub(crate) fn note_message_out(&self, most: usize) {
        self.inner.message_out.fetch_max(most, Ordering::Relaxed);
    }

    /// The largest message that any end of this hub may send.
    pub(crate) fn message_out(&self) -> usize {
        match self.inner.message_out.load(Ordering::Relaxed) {
            0 => usize::MAX,
            most => most,
        }
    }

    pub(crate) fn groups(&self) -> &Groups {
        &self.inner.groups
    }

    /// How many connections have ended, by their close code, or `lost` where there was none.
    pub fn closes(&self) -> BTreeMap<String, u64> {
        self.inner.closes.lock().unwrap().clone()
    }

    /// How many connections this end has closed, by the reason that it gave. An application may give
    /// any, so beyond 100 of them the others are one, `other`.
    pub fn close_reasons(&self) -> BTreeMap<String, u64> {
        self.inner.reasons.lock().unwrap().clone()
    }

    /// Bytes of the answers that are kept for calls under an
    /// [idempotency key](crate::Call::idempotency_key), and of the other records of such calls and their callers.
    pub fn idempotency_bytes(&self) -> usize {
        self.inner.once.bytes()
    }

    /// How many calls under an idempotency key run.
    pub fn idempotent_running(&self) -> usize {
        self.inner.once.running()
    }

    pub(crate) fn insert(&self, shared: &Arc<Shared>) {
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let mut peers = self.inner.peers.lock().unwrap();
        peers.insert(shared.id.clone(), (number, shared.clone()));
        drop(peers);
        let peer = Peer { shared: shared.clone() };
        if !peer.is_guest() {
            self.is_here(&peer);
        }
        // Who is not let in has nobody give way.
        self.enter(shared);
    }

    pub(crate) fn remove(&self, shared: &Arc<Shared>, reason: &CloseReason) {
        self.inner.groups.leave_all(shared);
        self.leave_name(shared);
        self.forget(&shared.id);
        if reason.is_revoked() {
            self.inner.once.stop_calls_of(shared);
        }
        self.inner.once.forget_connection(&shared.id);
        if self.inner.peers.lock().unwrap().remove(&shared.id).is_none() {
            return;
        }
        // Codes of the other end are its own choice: only those with a meaning get a line each.
        let name = match reason.code {
            Some(code) if code.is_known() => code.to_string(),
            Some(_) => "other".into(),
            None => "lost".into(),
        };
        *self.inner.closes.lock().unwrap().entry(name).or_default() += 1;
        if reason.by == ClosedBy::Us {
            self.count_reason(&reason.reason);
        }
    }

    fn count_reason(&self, reason: &str) {
        let mut reasons = self.inner.reasons.lock().unwrap();
        let is_one_more = reasons.len() >= REASONS && !reasons.contains_key(reason);
        let reason = if is_one_more { "other" } else { reason };
        *reasons.entry(reason.to_owned()).or_default() += 1;
    }
}

impl fmt::Debug for PeerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("peers", &self.len()).finish()
    }
}

#[test]
fn reasons_of_closes_are_counted_and_do_not_grow_without_end() {
    let registry = PeerRegistry::new();
    for number in 0..200 {
        registry.count_reason(&format!("user {number} is out"));
    }
    registry.count_reason("user 7 is out");
    let reasons = registry.close_reasons();
    assert_eq!((reasons.len(), reasons["user 7 is out"], reasons["other"]), (101, 2, 100));
}
