//! How many connections there may be at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many more are kept for a moment, only to be told that there is no room. Beyond that they are
/// dropped without a word, so that a flood costs no more than this.
const REJECTABLE: usize = 64;

/// The places of a server.
pub(crate) struct ConnectionLimit {
    served: Arc<Semaphore>,
    told: Arc<Semaphore>,
}

/// A connection's place, from its accept to its end; dropping it frees it, whatever the end was.
pub(crate) struct ConnectionPermit {
    _permit: OwnedSemaphorePermit,
    /// Whether the connection may be served, or just be told that it may not.
    pub(crate) is_served: bool,
}

impl ConnectionLimit {
    /// Room for so many connections.
    pub(crate) fn new(connections: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits));
        Self {
            served: semaphore(connections.min(Semaphore::MAX_PERMITS)),
            told: semaphore(REJECTABLE),
        }
    }

    /// A place for a new connection; `None` if it must be dropped.
    pub(crate) fn take(&self) -> Option<ConnectionPermit> {
        ConnectionPermit::of(&self.served, true).or_else(|| self.take_rejectable())
    }

    /// A place for a connection that is only told why it may not be.
    pub(crate) fn take_rejectable(&self) -> Option<ConnectionPermit> {
        ConnectionPermit::of(&self.told, false)
    }

    /// Whether all places are taken.
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
