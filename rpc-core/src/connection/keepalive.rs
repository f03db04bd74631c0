//! Whether the link is alive, whether a message is stuck in it, and whether it is quiet.

use std::time::Duration;

use crate::error::close::{CloseCode, CloseReason};
use crate::limits::Limits;

/// How long a connection must be quiet before it gives back what it used.
const QUIET: Duration = Duration::from_secs(1);

/// The clocks of one link. Time comes in, what is to be done comes out.
#[derive(Debug)]
pub(crate) struct Keepalive {
    keepalive: bool,
    /// Bytes received until now, and since when there were no more.
    bytes: u64,
    heard: Duration,
    pinged: bool,
    /// Whether it was seen before that there was no sign of life for too long, or that a message is stuck.
    doubted: bool,
    /// The message that is coming in, and since when.
    assembling: Option<(u64, Duration)>,
    /// When something last happened; `None` once that was tidied up after.
    busy: Option<Duration>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    /// Ask the other end for a sign of keepalive.
    Ping,
    /// Give back what a busy time left behind.
    Tidy,
    /// Look once more for what has come in: the clock may have been looked at before it was.
    Look,
    /// Close: a message does not come to its end.
    Close(CloseReason),
    /// There is nobody any more.
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

    /// Takes in how many bytes have come in so far, and which message is coming in.
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

    /// This end was kept from looking, and from asking for a sign of life: silence counts from now on.
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

    /// What is to be done now; called until it is nothing.
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

    /// When to ask again at the latest.
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
