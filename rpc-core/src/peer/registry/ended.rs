//! Sessions that have ended, so that a client that asks to resume one can be told how it ended.

use std::collections::VecDeque;

use crate::peer::slot::Shared;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, Mutex};

/// How many sessions are remembered. The earliest are forgotten first.
const MOST: usize = 1000;

/// The sessions that have ended, each for as long as it would have been kept without a link.
#[derive(Default)]
pub(super) struct EndedSessions(Mutex<VecDeque<(Instant, Arc<Shared>)>>);

impl EndedSessions {
    /// Remembers a session that has ended.
    pub(super) fn remember(&self, shared: &Arc<Shared>) {
        let now = Instant::now();
        let Some(until) = now.checked_add(shared.config.limits.session_keep) else { return };
        let mut forgotten = Vec::new();
        let mut ended = self.0.lock().unwrap();
        while ended.len() >= MOST || ended.front().is_some_and(|(until, _)| *until <= now) {
            forgotten.extend(ended.pop_front());
        }
        ended.push_back((until, shared.clone()));
        drop(ended);
        drop(forgotten); // without the lock: values of the application go with it
    }

    /// Forgets all sessions.
    pub(super) fn clear(&self) {
        let forgotten = std::mem::take(&mut *self.0.lock().unwrap());
        drop(forgotten); // without the lock
    }

    /// Returns the session of the peer with this id, if it is remembered.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Shared>> {
        let now = Instant::now();
        let ended = self.0.lock().unwrap();
        let mut found = ended.iter().filter(|(until, shared)| *until > now && *shared.id == *id);
        found.next().map(|(_, shared)| shared.clone())
    }
}
