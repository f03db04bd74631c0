//! The way back to a server that is preferred, from one behind that.

use std::time::Duration;

use super::looks::Looks;
use super::{Link, Next, Supervisor};

impl Supervisor {
    /// Notes which server the client has.
    pub(super) fn note_server(&mut self) {
        let now = self.now();
        let Some(looks) = &mut self.failback else { return };
        if self.turns.has_preferred() { looks.forget() } else { looks.has_less(now) }
    }

    /// Returns when the client looks for a server that is preferred: only if it has a session, since the calls of a
    /// client without one end with their link.
    pub(super) fn fails_back_at(&self) -> Option<Duration> {
        let may_move = self.link == Link::Up
            && matches!(self.next, Next::Nothing)
            && self.connection.wants_to_resume();
        self.failback.as_ref().and_then(Looks::next).filter(|_| may_move)
    }

    /// Begins an attempt to connect to a preferred server, beside the link that works.
    pub(super) fn fail_back(&mut self) {
        if self.turns.look_ahead() {
            self.dial();
        }
    }

    /// An attempt beside the link that works has failed. The link goes on.
    pub(super) fn has_looked_in_vain(&mut self) {
        let now = self.now();
        if !self.turns.is_ahead() {
            return self.detour.looked_in_vain(self.carrier, now);
        }
        if self.turns.look_further() {
            self.dial();
        } else if let Some(looks) = &mut self.failback {
            looks.looked_in_vain(now);
        }
    }
}
