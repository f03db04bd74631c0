//! [`ServerStats`], the numbers of a running server.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_core::Peer;
use rpc_core::transport::{PeerRegistry, SessionStats};
use rpc_core::types::PeerStats;

use crate::shutdown_report::ShutdownReport;

/// The current numbers of a server, and counters since the start of the server. [`Server::stats`](crate::Server::stats)
/// returns them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Open connections.
    pub connections: usize,
    /// Open connections that have not logged in yet.
    pub guests: usize,
    /// Requests that are being served, on all connections.
    pub in_flight: usize,
    /// Requests that are being served, by method.
    pub serving: BTreeMap<String, InFlight>,
    /// Running detached handlers, with those of ended connections; and running calls under an [idempotency
    /// key](rpc_core::Call::idempotency_key) whose connection has ended.
    pub detached: usize,
    /// Running calls under an idempotency key.
    pub idempotent_running: usize,
    /// Bytes that are kept for calls under an idempotency key: their answers, and the records of the calls.
    pub idempotency_bytes: usize,
    /// Calls that this server has made and that are not answered yet.
    pub pending: usize,
    /// Open subscriptions in both directions.
    pub subscriptions: usize,
    /// Groups that have members.
    pub groups: usize,
    /// Bytes of messages that wait to be sent.
    pub queue_bytes: usize,
    /// Responses with an unknown id. Also cancels and unsubscribes with an unknown id, minus one of each for each
    /// received request. Since the start.
    pub stray: u64,
    /// Dropped notifications: messages to groups for which a member had no room; received notifications while the
    /// connection was draining; and received notifications that were refused as busy. Since the start.
    pub dropped: u64,
    /// Skipped notifications: those that were not sent, because the client has [muted](rpc_core::Peer::mute) their method,
    /// and those of muted methods that clients sent all the same. Since the start.
    pub skipped: u64,
    /// Received messages that were not JSON-RPC, requests whose id was already in flight, and malformed notifications.
    /// Since the start.
    pub malformed: u64,
    /// Received errors with the id `null`, which belong to no call. Since the start.
    pub unaddressed: u64,
    /// Notification handlers that were stopped because they ran too long. Since the start.
    pub stopped_notifications: u64,
    /// Refused connections, and refused requests to a server that is mounted in an app: rejected, too slow, or not
    /// HTTP. Since the start.
    pub refused: u64,
    /// Ended connections, by close code; `lost` for a connection without a close code, and `other` for codes that have
    /// no meaning here. Since the start.
    pub closes: BTreeMap<String, u64>,
    /// Sessions that outlive their links, if [`sessions`](crate::ServerBuilder::sessions) is set.
    pub sessions: SessionStats,
    /// Messages that were sent again over another link of their session. Since the start.
    pub replayed: u64,
    /// Connections that the server has closed, by the reason of the close, such as the limit that was exceeded. All
    /// reasons after the first 100 count as `other`. Since the start.
    pub reasons: BTreeMap<String, u64>,
}

/// The requests for one method that are being served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InFlight {
    /// Number of requests.
    pub count: usize,
    /// How long the oldest request has run.
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
        self.skipped += peer.counters.skipped;
        self.malformed += peer.counters.malformed;
        self.unaddressed += peer.counters.unaddressed;
        self.stopped_notifications += peer.counters.stopped_notifications;
        self.replayed += peer.counters.replayed;
    }
}

/// The counters of connections that have ended.
#[derive(Default)]
pub(crate) struct Totals {
    stray: AtomicU64,
    dropped: AtomicU64,
    skipped: AtomicU64,
    malformed: AtomicU64,
    unaddressed: AtomicU64,
    stopped_notifications: AtomicU64,
    replayed: AtomicU64,
    refused: AtomicU64,
    shutdown_report: Mutex<ShutdownReport>,
}

impl Totals {
    /// Counts a refused connection or request.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds the counters of a connection that has ended. If the server `stops`, also adds the connection to the
    /// shutdown report.
    pub(crate) fn keep(&self, peer: &Peer, stops: bool) {
        let PeerStats { counters, cut, .. } = peer.stats();
        if stops {
            self.shutdown_report.lock().unwrap().add(peer.id(), cut);
        }
        self.stray.fetch_add(counters.stray, Ordering::Relaxed);
        self.dropped.fetch_add(counters.dropped, Ordering::Relaxed);
        self.skipped.fetch_add(counters.skipped, Ordering::Relaxed);
        self.malformed.fetch_add(counters.malformed, Ordering::Relaxed);
        self.unaddressed.fetch_add(counters.unaddressed, Ordering::Relaxed);
        self.stopped_notifications.fetch_add(counters.stopped_notifications, Ordering::Relaxed);
        self.replayed.fetch_add(counters.replayed, Ordering::Relaxed);
    }

    /// Returns the report of the shutdown.
    pub(crate) fn shutdown_report(&self) -> ShutdownReport {
        self.shutdown_report.lock().unwrap().clone()
    }

    /// Returns these counters plus the counters of all connections in `registry`.
    pub(crate) fn sum(&self, registry: &PeerRegistry) -> ServerStats {
        // Ended connections come first, open connections second: a connection that ends in between is missing for a
        // moment. In the other order it would count twice.
        let mut stats = ServerStats {
            stray: self.stray.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            malformed: self.malformed.load(Ordering::Relaxed),
            unaddressed: self.unaddressed.load(Ordering::Relaxed),
            stopped_notifications: self.stopped_notifications.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            replayed: self.replayed.load(Ordering::Relaxed),
            sessions: registry.sessions(),
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
