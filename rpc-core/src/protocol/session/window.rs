//! How much may be sent and not acknowledged: `queue`, and more on a long link.
//!
//! What is kept until it is acknowledged counts in `queue`. On a long link that alone would bound a session to `queue`
//! for each round trip. So the window grows while the other end acknowledges quickly and messages wait for room, out of
//! the same bytes as the windows of streams, and gives these bytes back when no message has waited for a while.

use std::time::Duration;

use crate::protocol::Protocol;
use crate::protocol::tables::pace::{Pace, Verdict};

/// How long after the last message that waited for room the window keeps its size.
const UNUSED: Duration = Duration::from_secs(5);

/// The window of what a session has sent and not heard of.
#[derive(Debug, Default)]
pub(super) struct SendWindow {
    /// By how much the window has grown.
    lent: usize,
    /// What `lent` falls to as the window gets emptier: what is in use cannot be given back.
    target: usize,
    pace: Pace,
    /// The bytes that were acknowledged since the last look.
    acknowledged: usize,
    /// Whether messages waited for room since the last look.
    is_full: bool,
    /// When messages waited for room the last time.
    full: Duration,
    /// The bytes that are to be given back to those who lend.
    given_back: usize,
}

impl SendWindow {
    /// Notes that the other end has acknowledged `bytes`.
    pub(super) fn acknowledge(&mut self, bytes: usize, is_full: bool) {
        self.acknowledged += bytes;
        self.is_full |= is_full;
    }

    /// Looks at the pace of a window of `least` bytes and what was lent. The window grows by as much as `lend` returns
    /// of what is wanted.
    fn resize(
        &mut self,
        least: usize,
        now: Duration,
        round_trip: Option<Duration>,
        lend: impl FnOnce(usize) -> usize,
    ) {
        let acknowledged = std::mem::take(&mut self.acknowledged);
        let is_full = std::mem::take(&mut self.is_full);
        if is_full {
            self.full = now;
        }
        let window = least + self.lent;
        match self.pace.pass(acknowledged, window, now, round_trip) {
            Some(Verdict::Grow) if is_full => {
                self.lent += lend(window);
                self.target = self.lent;
            }
            Some(Verdict::Shrink) => self.target = (window / 2).saturating_sub(least),
            _ => {}
        }
    }

    /// Gives back what is not needed for a queue that takes so many bytes.
    fn release(&mut self, least: usize, takes: usize, now: Duration) {
        if now >= self.full + UNUSED {
            self.target = 0;
        }
        let kept = self.target.max(self.lent.min(takes.saturating_sub(least)));
        self.given_back += self.lent - kept;
        self.lent = kept;
    }

    /// Gives back all that was lent.
    fn clear(&mut self) {
        self.given_back += std::mem::take(&mut self.lent);
        self.target = 0;
    }
}

impl<W> Protocol<W> {
    /// Returns by how much the window of the session has grown.
    pub(in crate::protocol) fn lent_to_session(&self) -> usize {
        self.session.as_ref().map_or(0, |session| session.window.lent)
    }

    /// Takes the bytes that the window of the session needs no more.
    pub(in crate::protocol) fn given_back_by_session(&mut self) -> usize {
        self.session.as_mut().map_or(0, |session| std::mem::take(&mut session.window.given_back))
    }

    /// Returns how many bytes more the connection may be lent, for windows of streams and of the session together.
    pub(in crate::protocol) fn room_to_lend(&self) -> usize {
        let lent = self.incoming.lent() + self.lent_to_session();
        self.limits.stream_windows.saturating_sub(lent)
    }

    /// Gives back what the window has grown by.
    pub(in crate::protocol) fn clear_window(&mut self) {
        if let Some(session) = &mut self.session {
            session.window.clear();
        }
    }

    /// Gives back what the window has grown by if nothing is on its way.
    pub(in crate::protocol) fn shrink_window(&mut self) {
        let Some(session) = self.session.as_mut().filter(|_| self.is_attached) else { return };
        if session.window.lent > 0 && session.sending.takes() == 0 {
            session.window.clear();
            self.outbox.set_limit(self.queue_limit());
        }
    }

    /// Lets the window grow if something was acknowledged, and gives back what is not needed.
    pub(super) fn resize_window(&mut self, now: Duration, lend: impl FnOnce(usize) -> usize) {
        let is_small = |window: &SendWindow| window.acknowledged == 0 && window.lent == 0;
        if self.session.as_ref().is_none_or(|session| is_small(&session.window)) {
            return; // nearly always
        }
        let (round_trip, room) = (self.incoming.round_trip, self.room_to_lend());
        // Without a link nothing is acknowledged, and the limit is another one.
        let Some(session) = self.session.as_mut().filter(|_| self.is_attached) else { return };
        let (window, least) = (&mut session.window, self.limits.queue);
        let before = window.lent;
        if window.acknowledged > 0 {
            self.asks_round_trip |= window.is_full;
            window.resize(least, now, round_trip, |wanted| lend(wanted.min(room)));
        }
        if window.lent > 0 {
            window.release(least, self.outbox.takes(), now);
        }
        if window.lent != before {
            self.outbox.set_limit(self.queue_limit());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(100);

    /// A window of 1000 bytes that has grown three times.
    fn grown() -> (SendWindow, Duration) {
        let (mut window, mut now) = (SendWindow::default(), Duration::ZERO);
        for lent in [0, 1000, 3000, 7000] {
            let half = (1000 + window.lent) / 2;
            window.acknowledge(half, true);
            window.resize(1000, now, Some(LONG), |wanted| wanted);
            assert_eq!(window.lent, lent);
            now += LONG;
        }
        (window, now)
    }

    #[test]
    fn the_window_doubles_while_messages_wait_and_acknowledgements_come_quickly() {
        let (mut window, now) = grown();
        window.acknowledge(8000, false);
        window.resize(1000, now, Some(LONG), |wanted| wanted);
        assert_eq!(window.lent, 7000, "nothing waits");
    }

    #[test]
    fn what_is_not_needed_is_given_back_and_never_what_is_in_use() {
        let (mut window, now) = grown();
        window.release(1000, 0, now);
        assert_eq!(window.lent, 7000, "a moment without messages changes nothing");
        window.acknowledge(8000, true);
        let now = now + 20 * LONG;
        window.resize(1000, now, Some(LONG), |_| unreachable!("the other end is slow"));
        window.release(1000, 8000, now);
        assert_eq!(window.lent, 7000, "all of it is in use");
        window.release(1000, 6000, now);
        assert_eq!((window.lent, window.given_back), (5000, 2000));
        window.release(1000, 2000, now);
        assert_eq!((window.lent, window.given_back), (3000, 4000), "half of the window");
        window.release(1000, 2000, now + UNUSED);
        assert_eq!((window.lent, window.given_back), (1000, 6000), "nothing has waited for long");
        window.clear();
        assert_eq!((window.lent, window.given_back), (0, 7000));
    }
}
