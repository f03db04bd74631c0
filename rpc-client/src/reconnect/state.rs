//! The state of a client that reconnects.

use std::fmt;
use std::time::Duration;

use rpc_core::CloseReason;
use rpc_core::internal::runtime::Instant;

use super::setback::Setback;
use crate::fallback::Carrier;

/// The state of a client that reconnects.
///
/// `Display` shows one line for a log or a status line, with the times as they are at the moment, and with neither a
/// URL nor a credential.
///
/// ```
/// use rpc_client::{Carrier, State};
///
/// let state = State::Up { resumed: true, carrier: Carrier::WebSocket };
/// assert_eq!(state.to_string(), "up, session resumed");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum State {
    /// The client has never had a link yet.
    Connecting {
        /// The number of the attempt that is under way or comes next, from 1.
        attempt: u32,
        /// When this attempt begins. `None` if the attempt is under way.
        next: Option<Instant>,
        /// Why the attempt before has failed.
        error: Option<Setback>,
    },
    /// The client has a link.
    Up {
        /// Whether the session goes on from an earlier link, so that nothing was lost.
        resumed: bool,
        /// What carries the messages.
        carrier: Carrier,
    },
    /// The client has lost its link and connects again. Calls wait.
    Away {
        /// When the link was lost.
        since: Instant,
        /// The number of the attempt that is under way or comes next, from 1. Counted from the loss of the link.
        attempt: u32,
        /// When this attempt begins. `None` if the attempt is under way.
        next: Option<Instant>,
        /// Why the link was lost or, behind the first attempt, why the attempt before has failed.
        error: Setback,
    },
    /// The client has a link, but its earlier session has ended: a fresh session has begun.
    Fresh {
        /// How many calls have failed because the earlier session has ended.
        lost_calls: u64,
        /// How many notifications may not have reached the server.
        lost_notifications: u64,
        /// How many streams go on with a gap.
        gaps: u64,
        /// What carries the messages.
        carrier: Carrier,
    },
    /// The client has given up or was closed, and is ended for ever.
    Ended(CloseReason),
}

impl State {
    /// Returns whether the client has a link: [`Up`](Self::Up) or [`Fresh`](Self::Fresh).
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Up { .. } | Self::Fresh { .. })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { attempt: 1, next: None, error: None } => f.write_str("connecting"),
            Self::Connecting { attempt, next, error } => {
                write!(f, "connecting, {}", Attempt(*attempt, *next))?;
                error.iter().try_for_each(|error| write!(f, ": {error}"))
            }
            Self::Up { resumed: false, carrier } => write!(f, "up{}", By(*carrier)),
            Self::Up { resumed: true, carrier } => {
                write!(f, "up{}, session resumed", By(*carrier))
            }
            Self::Away { since, attempt, next, error } => {
                let away = Span(since.elapsed());
                write!(f, "away for {away}, {}: {error}", Attempt(*attempt, *next))
            }
            Self::Fresh { lost_calls: 0, lost_notifications: 0, gaps: 0, carrier } => {
                write!(f, "up{}, fresh session: nothing was lost", By(*carrier))
            }
            Self::Fresh { lost_calls, lost_notifications, gaps, carrier } => {
                write!(f, "up{}, fresh session: ", By(*carrier))?;
                let losses = [
                    (*lost_calls, "call lost", "calls lost"),
                    (*lost_notifications, "notification lost", "notifications lost"),
                    (*gaps, "stream with a gap", "streams with a gap"),
                ];
                let losses = losses.iter().filter(|(count, ..)| *count > 0);
                for (at, (count, one, many)) in losses.enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{count} {}", if *count == 1 { one } else { many })?;
                }
                Ok(())
            }
            Self::Ended(reason) => write!(f, "ended: {reason}"),
        }
    }
}

/// What carries the messages, if the client has fallen back to that.
struct By(Carrier);

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Carrier::WebSocket | Carrier::ByteStream => Ok(()),
            carrier @ Carrier::Sse => write!(f, " by {carrier}"),
        }
    }
}

/// The number of an attempt, and when the attempt begins.
struct Attempt(u32, Option<Instant>);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            None => write!(f, "attempt {} under way", self.0),
            Some(next) => {
                let left = next.saturating_duration_since(Instant::now());
                write!(f, "attempt {} in {}", self.0, Span(left))
            }
        }
    }
}

/// A time as people read it: the longer, the coarser.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..10 => write!(f, "{}.{} s", self.0.as_secs(), self.0.subsec_millis() / 100),
            seconds @ 10..120 => write!(f, "{seconds} s"),
            seconds @ 120..7200 => write!(f, "{} min", seconds / 60),
            seconds => write!(f, "{} h", seconds / 3600),
        }
    }
}

#[cfg(test)]
mod tests;
