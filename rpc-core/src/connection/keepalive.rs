//! Whether the link is alive, whether a message is stuck in the link, and whether the link is quiet.

use std::time::Duration;

use crate::error::close::{CloseCode, CloseReason};
use crate::limits::Limits;

/// How long a connection must be quiet before it frees memory of busier times.
const QUIET: Duration = Duration::from_secs(1);

/// The clocks of one link. Time comes in, and the next action comes out.
#[derive(Debug)]
pub(crate) struct Keepalive {
    keepalive: bool,
    /// The bytes received until now, and when the last byte came.
    bytes: u64,
    heard: Duration,
    pinged: bool,
    /// Whether the last look found the link silent for too long, or a message stuck.
    doubted: bool,
    /// The number of the message that is coming in, and when it began.
    assembling: Option<(u64, Duration)>,
    /// When something last happened; `None` after the memory was freed.
    busy: Option<Duration>,
}

/// What the connection is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    /// Ask the other end for a sign of life.
    Ping,
    /// Free memory of busier times.
    Tidy,
    /// Read the link once more: bytes may have come after the clock was read.
    Look,
    /// Close: a message takes too long to arrive.
    Close(CloseReason),
    /// Give the link up: the other end shows no sign of life.
    Dead(CloseReason),
}

impl Keepalive {
    pub(crate) fn new(keepalive: bool, now: Duration) -> Self {
        Self {
            keepalive,
            bytes: 0,
            heard: now,
            pinged: false,
            doubted: false,
            assembling: None,
            busy: Some(now),
        }
    }

    /// Notes how many bytes have come so far, and which message is coming in.
    pub(crate) fn heard(&mut self, bytes: u64, assembling: Option<u64>, now: Duration) {
        if bytes != self.bytes {
            self.bytes = bytes;
            self.heard = now;
            self.pinged = false;
            self.doubted = false;
            self.busy = Some(now);
        }
        self.assembling = assembling.map(|message| match self.assembling {
            Some((same, since)) if same == message => (same, since),
            _ => (message, now),
        });
    }

    /// The task was kept from running, so that it could not look for signs of life: silence counts from now on.
    pub(crate) fn put_off(&mut self, now: Duration) {
        self.heard = now;
        self.pinged = false;
        if let Some((_, since)) = &mut self.assembling {
            *since = now;
        }
    }

    /// The medium has no probe: silence is no sign of a loss.
    pub(crate) fn turn_off(&mut self) {
        self.keepalive = false;
    }

    /// Notes that something was sent.
    pub(crate) fn busy(&mut self, now: Duration) {
        self.busy = Some(now);
    }

    /// Returns what to do now. Call it until it returns [`Action::Nothing`].
    pub(crate) fn next_action(&mut self, now: Duration, limits: &Limits) -> Action {
        let is_stuck = self.assembling.is_some_and(|(_, since)| now >= since + limits.assembly);
        let is_silent = self.keepalive && now >= self.heard + limits.dead_after;
        if is_stuck || is_silent {
            if !std::mem::replace(&mut self.doubted, true) {
                return Action::Look;
            }
            return if is_stuck {
                Action::Close(CloseReason::us(CloseCode::POLICY, "a message took too long"))
            } else {
                Action::Dead(CloseReason::link("no sign of life"))
            };
        }
        self.doubted = false;
        if self.keepalive && !self.pinged && now >= self.heard + limits.ping {
            self.pinged = true;
            return Action::Ping;
        }
        if self.busy.is_some_and(|since| now >= since + QUIET) {
            self.busy = None;
            return Action::Tidy;
        }
        Action::Nothing
    }

    /// Returns when to ask again at the latest.
    pub(crate) fn next(&self, limits: &Limits) -> Option<Duration> {
        let silence = if self.pinged { limits.dead_after } else { limits.ping };
        [
            self.keepalive.then(|| self.heard + silence),
            self.assembling.map(|(_, since)| since + limits.assembly),
            self.busy.map(|since| since + QUIET),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn silence_is_answered_by_a_ping_and_then_by_giving_up() {
        let limits = Limits::server();
        let mut keepalive = Keepalive::new(true, secs(0));
        assert_eq!(keepalive.next_action(secs(1), &limits), Action::Tidy);
        assert_eq!(keepalive.next(&limits), Some(secs(20)));
        assert_eq!(keepalive.next_action(secs(19), &limits), Action::Nothing);
        assert_eq!(keepalive.next_action(secs(20), &limits), Action::Ping);
        assert_eq!(keepalive.next_action(secs(44), &limits), Action::Nothing);
        assert_eq!(keepalive.next(&limits), Some(secs(45)));
        assert_eq!(keepalive.next_action(secs(45), &limits), Action::Look);
        assert!(matches!(keepalive.next_action(secs(45), &limits), Action::Dead(_)));
    }

    #[test]
    fn any_byte_is_a_sign_of_life() {
        let limits = Limits::server();
        let mut keepalive = Keepalive::new(true, secs(0));
        keepalive.heard(1, None, secs(40));
        assert_eq!(keepalive.next_action(secs(59), &limits), Action::Tidy);
        assert_eq!(keepalive.next_action(secs(59), &limits), Action::Nothing);
        assert_eq!(keepalive.next_action(secs(60), &limits), Action::Ping);
        keepalive.heard(2, None, secs(61));
        assert_eq!(keepalive.next(&limits), Some(secs(62)));
    }

    #[test]
    fn what_has_come_in_meanwhile_is_a_sign_of_life_after_all() {
        let limits = Limits::server();
        let mut keepalive = Keepalive::new(true, secs(0));
        keepalive.next_action(secs(20), &limits);
        assert_eq!(keepalive.next_action(secs(50), &limits), Action::Look);
        keepalive.heard(1, None, secs(50));
        assert!(!matches!(keepalive.next_action(secs(50), &limits), Action::Dead(_)));
        keepalive.next_action(secs(70), &limits);
        keepalive.put_off(secs(200));
        assert!(!matches!(
            keepalive.next_action(secs(219), &limits),
            Action::Ping | Action::Dead(_)
        ));
        assert_eq!(keepalive.next_action(secs(220), &limits), Action::Ping);
    }

    #[test]
    fn an_endless_message_is_none() {
        let limits = Limits::server();
        let mut keepalive = Keepalive::new(true, secs(0));
        for second in 0..30 {
            keepalive.heard(second + 1, Some(7), secs(second));
            assert!(!matches!(keepalive.next_action(secs(second), &limits), Action::Close(_)));
        }
        keepalive.heard(31, Some(7), secs(30));
        assert_eq!(keepalive.next_action(secs(30), &limits), Action::Look);
        assert!(matches!(keepalive.next_action(secs(30), &limits), Action::Close(_)));
        keepalive.heard(31, Some(8), secs(30));
        assert!(
            !matches!(keepalive.next_action(secs(30), &limits), Action::Close(_)),
            "the next one is new"
        );
    }
}
