//! The limit on the number of connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Number of connections above the limit that get the answer 503. The server drops further connections without an
/// answer, so that a flood of connections costs no more than these.
const REJECTABLE: usize = 64;

/// The permits of a server.
pub(crate) struct ConnectionLimit {
    served: Arc<Semaphore>,
    rejectable: Arc<Semaphore>,
}

/// The permit of a connection, from the accept to its end. Dropping the permit returns it.
pub(crate) struct ConnectionPermit {
    _permit: OwnedSemaphorePermit,
    /// Whether the connection may be served. If not, the connection only gets the reason as an answer.
    pub(crate) is_served: bool,
}

impl ConnectionLimit {
    /// Makes a limit of `connections`.
    pub(crate) fn new(connections: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits));
        Self {
            served: semaphore(connections.min(Semaphore::MAX_PERMITS)),
            rejectable: semaphore(REJECTABLE),
        }
    }

    /// Takes a permit for a new connection. Returns `None` if the connection must be dropped.
    pub(crate) fn take(&self) -> Option<ConnectionPermit> {
        ConnectionPermit::acquire(&self.served, true).or_else(|| self.take_rejectable())
    }

    /// Takes a permit for a connection that is served, if there is one.
    pub(crate) fn take_served(&self) -> Option<ConnectionPermit> {
        ConnectionPermit::acquire(&self.served, true)
    }

    /// Waits for a permit for a connection that is served.
    pub(crate) async fn served(&self) -> Option<ConnectionPermit> {
        let permit = self.served.clone().acquire_owned().await.ok()?;
        Some(ConnectionPermit { _permit: permit, is_served: true })
    }

    /// Takes a permit for a connection that will only get the reason why it is refused.
    pub(crate) fn take_rejectable(&self) -> Option<ConnectionPermit> {
        ConnectionPermit::acquire(&self.rejectable, false)
    }

    /// Returns whether the limit is reached.
    pub(crate) fn is_reached(&self) -> bool {
        self.served.available_permits() == 0
    }
}

impl ConnectionPermit {
    fn acquire(semaphore: &Arc<Semaphore>, is_served: bool) -> Option<Self> {
        let permit = semaphore.clone().try_acquire_owned().ok()?;
        Some(Self { _permit: permit, is_served })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_beyond_the_limit_are_rejected_and_further_ones_dropped() {
        let connection_limit = ConnectionLimit::new(1);
        let served = connection_limit.take().unwrap();
        assert!(served.is_served);
        let rejected: Vec<_> = std::iter::from_fn(|| connection_limit.take()).collect();
        assert_eq!(rejected.len(), REJECTABLE);
        assert!(rejected.iter().all(|permit| !permit.is_served) && connection_limit.is_reached());
        drop(served);
        assert!(connection_limit.take().unwrap().is_served);
    }

    #[test]
    fn any_number_of_connections_can_be_allowed() {
        assert!(ConnectionLimit::new(usize::MAX).take().unwrap().is_served);
    }
}
