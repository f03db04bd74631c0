//! Kicks of peers whose handshake still goes on.
//!
//! A login may be revoked after it was looked up, but before its caller value names the user. So every kick is
//! recorded for each connection that is still in its handshake, and applied when the handshake completes.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::close::CloseCode;
use crate::peer::Peer;
use crate::util::sync::{Arc, Mutex};

/// A kick: the peers that it closes, the close code and the reason.
pub(super) struct Kick {
    pub(super) who: Box<dyn Fn(&Peer) -> bool + Send + Sync>,
    pub(super) code: CloseCode,
    pub(super) reason: String,
}

/// The kicks during each handshake, by the id of its connection.
#[derive(Default)]
pub(super) struct PendingPeers {
    kicks: Mutex<HashMap<Box<str>, Vec<Arc<Kick>>>>,
}

impl PendingPeers {
    pub(super) fn register(&self, id: &str) {
        self.kicks.lock().unwrap().insert(id.into(), Vec::new());
    }

    /// Records `kick` for all handshakes that go on.
    pub(super) fn keep(&self, kick: &Arc<Kick>) {
        self.kicks.lock().unwrap().values_mut().for_each(|kicks| kicks.push(kick.clone()));
    }

    /// Takes the kicks that were recorded for a peer. Returns nothing if they were taken before.
    pub(super) fn take(&self, id: &str) -> Vec<Arc<Kick>> {
        self.kicks.lock().unwrap().remove(id).unwrap_or_default()
    }
}

impl Kick {
    /// Closes the connection of `peer` if the kick applies to it. Returns whether it applies.
    pub(super) fn end(&self, peer: &Peer) -> bool {
        let is_meant = (self.who)(peer);
        if is_meant {
            peer.kick(self.code, &self.reason);
        }
        is_meant
    }

    /// Applies a recorded kick. A panic of `who` must not reach the connection's task. If `who` panics, the
    /// connection is closed, because it is unknown whether the peer may stay.
    pub(super) fn end_late(&self, peer: &Peer) {
        if catch_unwind(AssertUnwindSafe(|| self.end(peer))).is_err() {
            peer.kick(self.code, &self.reason);
        }
    }
}
