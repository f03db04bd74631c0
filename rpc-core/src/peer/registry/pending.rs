//! Those who are on their way in when others are thrown out.
//!
//! A login may be revoked between the moment when it was looked up and the one when its caller value says who
//! it is. So who is thrown out is noted for each that comes, and held against them when they are here.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::close::CloseCode;
use crate::peer::Peer;
use crate::util::sync::{Arc, Mutex};

/// Who is thrown out, and what they are told.
pub(super) struct Kick {
    pub(super) who: Box<dyn Fn(&Peer) -> bool + Send + Sync>,
    pub(super) code: CloseCode,
    pub(super) reason: String,
}

/// By the id of each that comes, what was asked for in the meantime.
#[derive(Default)]
pub(super) struct PendingPeers {
    kicks: Mutex<HashMap<Box<str>, Vec<Arc<Kick>>>>,
}

impl PendingPeers {
    pub(super) fn expect(&self, id: &str) {
        self.kicks.lock().unwrap().insert(id.into(), Vec::new());
    }

    /// Keeps `kick` for all who are on their way.
    pub(super) fn keep(&self, kick: &Arc<Kick>) {
        self.kicks.lock().unwrap().values_mut().for_each(|kicks| kicks.push(kick.clone()));
    }

    /// What is to be held against one who is here now; nothing if it was before.
    pub(super) fn take(&self, id: &str) -> Vec<Arc<Kick>> {
        self.kicks.lock().unwrap().remove(id).unwrap_or_default()
    }
}

impl Kick {
    /// Ends the connection of `peer` if it is one of those; whether it is.
    pub(super) fn end(&self, peer: &Peer) -> bool {
        let is_meant = (self.who)(peer);
        if is_meant {
            peer.kick(self.code, &self.reason);
        }
        is_meant
    }

    /// The same where nobody has asked just now: a panic is not the connection's, and of whom it is not
    /// known whether they may stay, they may not.
    pub(super) fn end_late(&self, peer: &Peer) {
        if catch_unwind(AssertUnwindSafe(|| self.end(peer))).is_err() {
            peer.kick(self.code, &self.reason);
        }
    }
}
