//! The registry of the peers that belong together: those of one server.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::error::close::{CloseCode, CloseReason, ClosedBy};
use crate::peer::Peer;
use crate::peer::group::{Group, Groups};
use crate::peer::slot::Shared;
use crate::service::idempotency::Idempotency;
use crate::util::sync::{Arc, AtomicU64, AtomicUsize, Mutex, Ordering};

mod away;
mod ended;
mod names;
mod pending;
mod sessions;
mod windows;

use ended::EndedSessions;
use names::Names;
pub use names::SameName;
use pending::{Kick, PendingPeers};
pub use sessions::SessionStats;
use sessions::Sessions;
use windows::Windows;

/// A connected end. A map finds it by its id, which is therefore not stored twice.
struct Member(Arc<Shared>);

/// How many close reasons have a count of their own.
const REASONS: usize = 100;

/// The registry of connected peers. Each server has one registry, shared by its connections. Clones are the same
/// registry.
#[derive(Clone, Default)]
pub struct PeerRegistry {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The connected peers, and their numbers in the order of the connections.
    peers: Mutex<HashMap<Member, u64>>,
    next: AtomicU64,
    pending: PendingPeers,
    closes: Mutex<BTreeMap<String, u64>>,
    /// Connections that this end has closed, by reason.
    reasons: Mutex<BTreeMap<String, u64>>,
    groups: Groups,
    ended: EndedSessions,
    sessions: Sessions,
    windows: Windows,
    names: Names,
    /// The largest message that any end in this registry may send; 0 before the first end.
    message_out: AtomicUsize,
    /// The strong count, minus one, is the number of detached handlers.
    detached: Arc<()>,
    idempotency: Arc<Idempotency>,
}

/// Counts one handler until the value is dropped.
pub(crate) struct Detached(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl PeerRegistry {
    /// Creates a registry without peers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all peers, in the order in which they connected.
    pub fn peers(&self) -> Vec<Peer> {
        let peers = self.inner.peers.lock().unwrap();
        let mut peers: Vec<_> =
            peers.iter().map(|(Member(shared), number)| (*number, shared.clone())).collect();
        peers.sort_unstable_by_key(|(number, _)| *number);
        peers.into_iter().map(|(_, shared)| Peer { shared }).collect()
    }

    /// Returns the peer with this id, if it is connected.
    pub fn peer(&self, id: &str) -> Option<Peer> {
        let peers = self.inner.peers.lock().unwrap();
        peers.get_key_value(id).map(|(Member(shared), _)| Peer { shared: shared.clone() })
    }

    /// Returns the number of peers.
    pub fn len(&self) -> usize {
        self.inner.peers.lock().unwrap().len()
    }

    /// Returns whether there are no peers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the group with this name. The group may have no members.
    pub fn group(&self, name: &str) -> Group {
        Group::new(self.clone(), name)
    }

    /// Returns the number of groups with members.
    pub fn group_count(&self) -> usize {
        self.inner.groups.len()
    }

    /// Closes the connections of all peers for which `who` returns true, at once; see [`Peer::kick`]. Returns how
    /// many of these peers were connected.
    ///
    /// `who` also runs for peers whose handshake goes on, as soon as they are connected, and for guests when they
    /// have logged in. So a peer that was checked by older rules does not slip through. `who` runs as well for peers
    /// whose connection has ended while their calls under an [idempotency key](crate::Call::idempotency_key) go on;
    /// those calls are stopped.
    ///
    /// # Panics
    /// Panics if `who` panics. If `who` panics later, for a peer whose handshake has just ended, the connection of
    /// that peer is closed.
    pub fn kick(
        &self,
        who: impl Fn(&Peer) -> bool + Send + Sync + 'static,
        code: CloseCode,
        reason: &str,
    ) -> usize {
        let kick = Arc::new(Kick { who: Box::new(who), code, reason: reason.to_owned() });
        // First the pending peers: a peer that is no longer pending is among the connected ones.
        self.inner.pending.keep(&kick);
        let count = self.peers().iter().filter(|peer| kick.end(peer)).count();
        let is_meant = |shared: &Arc<Shared>| (kick.who)(&Peer { shared: shared.clone() });
        self.inner.idempotency.stop_orphans_of(is_meant);
        count
    }

    /// Notes that a handshake has begun.
    pub(crate) fn register(&self, id: &str) {
        self.inner.pending.register(id);
    }

    /// Notes that a peer is connected and its caller is known.
    pub(crate) fn admit(&self, peer: &Peer) {
        self.inner.pending.take(peer.id()).iter().for_each(|kick| kick.end_late(peer));
    }

    /// Notes that a handshake has failed.
    pub(crate) fn cancel(&self, id: &str) {
        self.inner.pending.take(id);
    }

    /// Returns the number of running handlers that do not depend on their connection:
    /// [detached](crate::types::Handler::detached) handlers, and calls under an
    /// [idempotency key](crate::Call::idempotency_key) whose connection has ended. Detached handlers of ended
    /// connections are included.
    pub fn detached(&self) -> usize {
        Arc::strong_count(&self.inner.detached) - 1
    }

    /// Counts one more detached handler until the returned value is dropped. Returns `None` if there are `most`
    /// already.
    pub(crate) fn detach(&self, most: usize) -> Option<Detached> {
        let one = Detached(self.inner.detached.clone());
        (self.detached() <= most).then_some(one)
    }

    /// Counts one more handler that outlives its connection. Such handlers have a limit of their own.
    pub(crate) fn detach_another(&self) -> Detached {
        Detached(self.inner.detached.clone())
    }

    /// Returns the store of answers to calls under an idempotency key.
    pub(crate) fn idempotency(&self) -> &Arc<Idempotency> {
        &self.inner.idempotency
    }

    /// Notes that an end of this registry may send messages of up to `most` bytes.
    pub(crate) fn note_message_out(&self, most: usize) {
        self.inner.message_out.fetch_max(most, Ordering::Relaxed);
    }

    /// Returns the size of the largest message that any end of this registry may send.
    pub(crate) fn message_out(&self) -> usize {
        match self.inner.message_out.load(Ordering::Relaxed) {
            0 => usize::MAX,
            most => most,
        }
    }

    /// Remembers a session that has ended, for its client.
    pub(crate) fn remember_ended(&self, shared: &Arc<Shared>) {
        self.inner.ended.remember(shared);
    }

    /// Forgets the sessions that have ended. They hold their registry, and so they must be forgotten when it ends.
    pub(crate) fn forget_ended(&self) {
        self.inner.ended.clear();
    }

    /// Returns the peer with this id, if its session has ended and is remembered.
    pub(crate) fn ended_peer(&self, id: &str) -> Option<Peer> {
        self.inner.ended.find(id).map(|shared| Peer { shared })
    }

    pub(crate) fn windows(&self) -> &Windows {
        &self.inner.windows
    }

    /// Returns the bytes by which the windows of all streams have grown.
    pub fn stream_windows(&self) -> usize {
        self.inner.windows.lent()
    }

    pub(crate) fn groups(&self) -> &Groups {
        &self.inner.groups
    }

    /// Returns how many connections have ended, by close code. The name is `lost` for connections without a code, and
    /// `other` for codes without a reserved meaning.
    pub fn closes(&self) -> BTreeMap<String, u64> {
        self.inner.closes.lock().unwrap().clone()
    }

    /// Returns how many connections this end has closed, by reason. The application may give any reason, so only the
    /// first 100 reasons have a count of their own. All further reasons are counted as `other`.
    pub fn close_reasons(&self) -> BTreeMap<String, u64> {
        self.inner.reasons.lock().unwrap().clone()
    }

    /// Returns the bytes of the stored answers to calls under an [idempotency key](crate::Call::idempotency_key),
    /// including the other records of such calls and their callers.
    pub fn idempotency_bytes(&self) -> usize {
        self.inner.idempotency.bytes()
    }

    /// Returns the number of running calls under an idempotency key.
    pub fn idempotent_running(&self) -> usize {
        self.inner.idempotency.running()
    }

    pub(crate) fn insert(&self, shared: &Arc<Shared>) {
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let mut peers = self.inner.peers.lock().unwrap();
        peers.insert(Member(shared.clone()), number);
        drop(peers);
        let peer = Peer { shared: shared.clone() };
        if !peer.is_guest() {
            self.admit(&peer);
        }
        // After the kicks: a peer that was kicked must not replace the holder of its name.
        self.enter(shared);
    }

    pub(crate) fn remove(&self, shared: &Arc<Shared>, reason: &CloseReason) {
        self.inner.groups.leave_all(shared);
        self.leave_name(shared);
        self.cancel(&shared.id);
        if reason.is_revoked() {
            self.inner.idempotency.stop_calls_of(shared);
        }
        self.inner.idempotency.forget_connection(&shared.id);
        let has_session = shared.lock().protocol.has_granted_session();
        if has_session {
            self.session_ended(shared);
        }
        if self.inner.peers.lock().unwrap().remove(&*shared.id).is_none() {
            return;
        }
        // The peer chooses its codes. Only codes with a reserved meaning have a count of their own.
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

impl Borrow<str> for Member {
    fn borrow(&self) -> &str {
        &self.0.id
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Member {}

impl Hash for Member {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for PeerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerRegistry").field("peers", &self.len()).finish()
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
