//! The report of a shutdown.

use std::time::Duration;

/// What happened to the connections of a server at its [shutdown](crate::Server::shutdown).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Number of connections on which all requests were answered in time.
    pub finished: usize,
    /// Number of connections on which requests were stopped.
    pub cut: usize,
    /// The stopped requests: at most 1,000 of them.
    pub requests: Vec<CutRequest>,
}

/// A request that was stopped by the shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CutRequest {
    /// The id of the connection: [`Peer::id`](rpc_core::Peer::id).
    pub peer: String,
    /// The name of the method.
    pub method: String,
    /// How long the request had run when it was stopped.
    pub after: Duration,
}

/// Largest number of requests in the report, so that the report stays small.
const REQUESTS: usize = 1000;

impl ShutdownReport {
    /// Adds one connection that has ended, with the requests that were stopped on it.
    pub(crate) fn add(&mut self, peer: &str, cut: Vec<(String, Duration)>) {
        if cut.is_empty() {
            self.finished += 1;
            return;
        }
        self.cut += 1;
        let room = REQUESTS.saturating_sub(self.requests.len());
        let requests = cut.into_iter().take(room);
        self.requests.extend(requests.map(|(method, after)| CutRequest {
            peer: peer.to_owned(),
            method,
            after,
        }));
    }
}
