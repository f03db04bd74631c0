//! The limit on the number of connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Number of connections above the limit that get the answer 503. The server drops further connections without an
/// answer, so that a flood of connections costs no more than these.
const REJECTABLE: usize = 64;

/// The permits of a server.
pub(crate) struct ConnectionLimit {
    served: Arc<Semaphore>,
    told: Arc<Semaphore>,
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
            told: semaphore(REJECTABLE),
        }
    }

    /// Takes a permit for a new connection. Returns `None` if the connection must be dropped.
    pub(crate) fn take(&self) -> Option<ConnectionPermit> {
        ConnectionPermit::of(&self.served, true).or_else(|| self.take_rejectable())
    }

    /// Takes a permit for a connection that will only get the reason why it is refused.
    pub(crate) fn take_rejectable(&self) -> Option<ConnectionPermit> {
        ConnectionPermit::of(&self.told, false)
    }

    /// Returns whether the limit is reached.
    pub(crate) fn are_full(&self) -> bool {
        self.served.available_permits() == 0
    }
}

impl ConnectionPermit {
    fn of(places: &Arc<Semaphore>, is_served: bool) -> Option<Self> {
        let permit = places.clone().try_acquire_owned().ok()?;
        Some(Self { _permit: permit, is_served })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_some_are_told_and_the_others_dropped() {
        let connection_limit = ConnectionLimit::new(1);
        let served = connection_limit.take().unwrap();
        assert!(served.is_served);
        let told: Vec<_> = std::iter::from_fn(|| connection_limit.take()).collect();
        assert_eq!(told.len(), REJECTABLE);
        assert!(told.iter().all(|slot| !slot.is_served) && connection_limit.are_full());
        drop(served);
        assert!(connection_limit.take().unwrap().is_served);
    }

    #[test]
    fn any_number_of_connections_can_be_allowed() {
        assert!(ConnectionLimit::new(usize::MAX).take().unwrap().is_served);
    }
}
