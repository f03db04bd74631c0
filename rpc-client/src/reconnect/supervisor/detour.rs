//! The way round a proxy that lets no WebSocket pass: for how long the client takes it, and when it looks for a WebSocket.

#[cfg(not(target_family = "wasm"))]
use std::sync::Arc;
use std::time::Duration;

use super::looks::Looks;
use super::{Link, Next, Supervisor};
#[cfg(not(target_family = "wasm"))]
use crate::error::ConnectError;
use crate::fallback::{Carrier, Fallback};
#[cfg(not(target_family = "wasm"))]
use crate::reconnect::setback::Setback;

/// How long the client goes without a WebSocket at first, before it looks for one again.
const FIRST: Duration = Duration::from_secs(10 * 60);

/// What is known of the way to the server.
pub(super) struct Detour {
    fallback: Fallback,
    /// Until the next look the client does not try a WebSocket.
    looks: Looks,
}

impl Detour {
    pub(super) fn new(fallback: Fallback) -> Self {
        Self { fallback, looks: Looks::new(FIRST) }
    }

    /// Returns how the next attempt is to connect.
    pub(super) fn fallback(&self, now: Duration) -> Fallback {
        let is_known = self.looks.next().is_some_and(|until| now < until);
        if is_known { Fallback::Always } else { self.fallback }
    }

    /// Forgets what is known: the network may be another one.
    pub(super) fn forget(&mut self) {
        self.looks.forget();
    }

    /// Notes which way has led to the server.
    fn note(&mut self, carrier: Carrier, now: Duration) {
        if self.fallback != Fallback::WhenFails {
            return;
        }
        match carrier {
            Carrier::WebSocket | Carrier::ByteStream => self.forget(),
            Carrier::Sse => self.looks.has_less(now),
        }
    }

    /// Notes that a WebSocket carries nothing. Whether the other way leads to the server is known only if it did before.
    #[cfg(not(target_family = "wasm"))]
    fn swallows(&mut self, now: Duration) {
        if self.looks.next().is_some() {
            self.looked_in_vain(Carrier::Sse, now);
        }
    }

    /// Notes that there is still no WebSocket for a client that is here by this way.
    pub(super) fn looked_in_vain(&mut self, carrier: Carrier, now: Duration) {
        if self.fallback != Fallback::WhenFails || carrier != Carrier::Sse {
            return;
        }
        self.looks.looked_in_vain(now);
    }
}

impl Supervisor {
    pub(super) fn note_detour(&mut self) {
        let now = self.now();
        self.detour.note(self.carrier, now);
    }

    /// Returns when the client looks for a WebSocket: only if its session can move there, so that nothing is lost.
    pub(super) fn looks_at(&self) -> Option<Duration> {
        let may_move = self.link == Link::Up
            && self.carrier == Carrier::Sse
            && matches!(self.next, Next::Nothing)
            && self.connection.wants_to_resume();
        self.detour.looks.next().filter(|_| may_move)
    }

    /// Begins an attempt to have a WebSocket, beside the link that works.
    pub(super) fn look_for_websocket(&mut self) {
        self.dial_with(Fallback::Never);
    }

    /// A WebSocket has opened, and carries nothing. Takes the other way at once.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn go_round(&mut self, error: ConnectError) {
        self.has_trouble();
        self.trouble.error.get_or_insert_with(|| Setback::Failed(Arc::new(error)));
        let now = self.now();
        self.detour.swallows(now);
        self.dial_with(Fallback::Always);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_has_found_a_way_round_takes_it_for_a_while() {
        let secs = Duration::from_secs;
        let mut detour = Detour::new(Fallback::WhenFails);
        assert_eq!(detour.fallback(secs(0)), Fallback::WhenFails);
        detour.note(Carrier::Sse, secs(1));
        assert_eq!(detour.fallback(secs(600)), Fallback::Always);
        assert_eq!(detour.fallback(secs(601)), Fallback::WhenFails);
        detour.looked_in_vain(Carrier::Sse, secs(601));
        assert_eq!(detour.fallback(secs(1800)), Fallback::Always);
        detour.note(Carrier::WebSocket, secs(2001));
        assert_eq!(detour.fallback(secs(2002)), Fallback::WhenFails);
        // Nothing is known of the other way.
        detour.swallows(secs(2002));
        assert_eq!(detour.looks.next(), None);
        // An attempt beside a WebSocket that works.
        detour.looked_in_vain(Carrier::WebSocket, secs(2003));
        assert_eq!(detour.looks.next(), None);
    }

    #[test]
    fn who_wants_one_way_only_takes_it() {
        for fallback in [Fallback::Never, Fallback::Always] {
            let mut detour = Detour::new(fallback);
            detour.note(Carrier::Sse, Duration::ZERO);
            detour.looked_in_vain(Carrier::Sse, Duration::ZERO);
            assert_eq!((detour.looks.next(), detour.fallback(FIRST)), (None, fallback));
        }
    }
}
