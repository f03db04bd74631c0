//! Numbers that tell how a server is doing.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_core::Peer;
use rpc_core::transport::PeerRegistry;
use rpc_core::types::PeerStats;

use crate::shutdown_report::ShutdownReport;

/// What a server has at this moment, and what it has counted since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections that are open.
    pub connections: usize,
    /// Those of them that have not logged in yet.
    pub guests: usize,
    /// Requests being served, on all of them.
    pub in_flight: usize,
    /// The same by method.
    pub serving: BTreeMap<String, InFlight>,
    /// Detached handlers that run, those of ended connections included, together with calls under an
    /// [idempotency key](rpc_core::Call::idempotency_key) that go on although their connection has ended.
    pub detached: usize,
    /// Calls under an idempotency key that run.
    pub idempotent_running: usize,
    /// Bytes that are kept for calls under an idempotency key: their answers, and the other records of them.
    pub idempotency_bytes: usize,
    /// Calls of this end without an answer.
    pub pending: usize,
    /// Open subscriptions, those of the other ends and of this one.
    pub subscriptions: usize,
    /// Groups that have members.
    pub groups: usize,
    /// Bytes that wait to be sent.
    pub queue_bytes: usize,
    /// Results received for calls that were never made, or already answered, and cancels and
    /// unsubscribes for nothing that is known, beyond one of each for every request; since the start.
    pub stray: u64,
    /// Messages to groups that were dropped because a member had no room, and notifications that
    /// came while their connection was draining or that were busy; since the start.
    pub dropped: u64,
    /// Messages received that were not JSON-RPC, requests under an id in flight, and malformed
    /// notifications; since the start.
    pub malformed: u64,
    /// Errors received without an id (`null`), so that no call can tell the error to be its answer; since the
    /// start.
    pub unaddressed: u64,
    /// Notification handlers stopped because they ran too long; since the start.
    pub stopped_notifications: u64,
    /// Connections, and requests to a server that is mounted in an app, of whom nobody was let in:
    /// rejected, too slow, not HTTP; since the start.
    pub refused: u64,
    /// How many connections have ended, by close code, or `lost` where there was none, or `other`
    /// for codes that have no meaning here; since the start.
    pub closes: BTreeMap<String, u64>,
    /// How many connections the server has closed, by the reason that it gave, such as the limit that
    /// was broken; beyond 100 reasons the others are one, `other`. Since the start.
    pub reasons: BTreeMap<String, u64>,
}

/// Requests for one method that are being served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InFlight {
    /// How many.
    pub count: usize,
    /// How long the one that began first has run.
    pub oldest: Duration,
}

impl ServerStats {
    fn add(&mut self, peer: PeerStats) {
        self.in_flight += peer.in_flight;
        for (method, age) in peer.serving {
            let in_flight = self.serving.entry(method).or_default();
            in_flight.count += 1;
            in_flight.oldest = in_flight.oldest.max(age);
        }
        self.pending += peer.pending;
        self.subscriptions += peer.subscriptions;
        self.queue_bytes += peer.queue_bytes;
        self.stray += peer.counters.stray;
        self.dropped += peer.counters.dropped;
        self.malformed += peer.counters.malformed;
        self.unaddressed += peer.counters.unaddressed;
        self.stopped_notifications += peer.counters.stopped_notifications;
    }
}

/// What is left of connections that have ended.
#[derive(Default)]
pub(crate) struct Totals {
    stray: AtomicU64,
    dropped: AtomicU64,
    malformed: AtomicU64,
    unaddressed: AtomicU64,
    stopped_notifications: AtomicU64,
    refused: AtomicU64,
    shutdown_report: Mutex<ShutdownReport>,
}

impl Totals {
    /// Counts one of whom nobody was let in.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what a connection that is gone had counted, and how it ended if the server `stops`.
    pub(crate) fn keep(&self, peer: &Peer, stops: bool) {
        let PeerStats { counters, cut, .. } = peer.stats();
        if stops {
            self.shutdown_report.lock().unwrap().add(peer.id(), cut);
        }
        self.stray.fetch_add(counters.stray, Ordering::Relaxed);
        self.dropped.fetch_add(counters.dropped, Ordering::Relaxed);
        self.malformed.fetch_add(counters.malformed, Ordering::Relaxed);
        self.unaddressed.fetch_add(counters.unaddressed, Ordering::Relaxed);
        self.stopped_notifications.fetch_add(counters.stopped_notifications, Ordering::Relaxed);
    }

    /// What became of those who were connected when the server was stopped.
    pub(crate) fn shutdown_report(&self) -> ShutdownReport {
        self.shutdown_report.lock().unwrap().clone()
    }

    /// The sum of this and what is in `registry`.
    pub(crate) fn sum(&self, registry: &PeerRegistry) -> ServerStats {
        // First what has ended, then what is open: a connection that ends in between is missed for
        // a moment, the other way round it would be counted twice.
        let mut stats = ServerStats {
            stray: self.stray.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            malformed: self.malformed.load(Ordering::Relaxed),
            unaddressed: self.unaddressed.load(Ordering::Relaxed),
            stopped_notifications: self.stopped_notifications.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            closes: registry.closes(),
            reasons: registry.close_reasons(),
            groups: registry.group_count(),
            detached: registry.detached(),
            idempotent_running: registry.idempotent_running(),
            idempotency_bytes: registry.idempotency_bytes(),
            ..ServerStats::default()
        };
        for peer in registry.peers() {
            stats.connections += 1;
            stats.guests += usize::from(peer.is_guest());
            stats.add(peer.stats());
        }
        stats
    }
}
