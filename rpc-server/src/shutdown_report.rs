//! What became of those who were connected when a server stopped.

use std::time::Duration;

/// What became of the connections of a server that was [shut down](crate::Server::shutdown).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Connections that had been answered all they had asked, in time.
    pub finished: usize,
    /// Connections that had not.
    pub cut: usize,
    /// The requests of these that were stopped, and for how long each had run; the first
    /// 1,000 of them.
    pub requests: Vec<CutRequest>,
}

/// A request that was stopped because the server was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CutRequest {
    /// The id of the connection.
    pub peer: String,
    /// The method.
    pub method: String,
    /// How long it had run.
    pub after: Duration,
}

/// More are only counted.
const REQUESTS: usize = 1000;

impl ShutdownReport {
    /// Takes in how one connection ended, whose requests may have been stopped.
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
