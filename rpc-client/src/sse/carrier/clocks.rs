//! The clocks of a link: how long its opening, its silence, its end and an acknowledgement may take.

use std::task::Context;
use std::time::Duration;

use rpc_core::Limits;
use tokio::time::Instant;

use super::{Failure, SseCarrier};
use crate::error::ConnectError;

/// How long the client waits for the close of a link that is over, as a request was told.
const LAST_WORD: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) ack_after: Duration,
    dead_after: Duration,
    pub(super) mend: Duration,
}

impl Times {
    pub(super) fn of(limits: &Limits) -> Self {
        Self { ack_after: limits.ack_after, dead_after: limits.dead_after, mend: limits.mend }
    }
}

impl SseCarrier {
    /// Looks at the clocks. Returns whether something has changed.
    pub(super) fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        loop {
            let due = self.due();
            if due < self.alarm.deadline() {
                self.alarm.as_mut().reset(due);
            }
            if self.alarm.as_mut().poll(cx).is_pending() {
                return Ok(false);
            }
            let now = Instant::now();
            if due > now {
                self.alarm.as_mut().reset(due);
                continue;
            }
            if let Some(opening) = &self.opening {
                return Err(Failure::Opening(ConnectError::Timeout(opening.time)));
            }
            if let Some(over) = self.over.take_if(|over| now >= over.since + LAST_WORD) {
                return Err(Failure::Broken(over.error));
            }
            if self.stream.is_reading() && now >= self.heard + self.limits.dead_after {
                self.ask_again()?;
                self.heard = now;
                return Ok(true);
            }
            self.poll_posts(cx)?;
        }
    }

    /// Returns when the clocks are to be looked at next.
    fn due(&self) -> Instant {
        if let Some(opening) = &self.opening {
            return opening.until;
        }
        if let Some(over) = &self.over {
            return over.since + LAST_WORD;
        }
        // A stream that was asked for has its own clock.
        let silent = if self.stream.is_reading() { self.heard } else { Instant::now() };
        let silent = silent + self.limits.dead_after;
        let ack = self.acks.since().filter(|_| self.posts.is_idle());
        ack.map_or(silent, |since| silent.min(since + self.limits.ack_after))
    }
}
