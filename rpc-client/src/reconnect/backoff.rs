//! When a client that has lost its link tries again, and with what.
//!
//! Plain values: times arrive as the time since the start of the client, and random numbers as arguments. So each rule
//! takes a few lines to test.

use std::time::Duration;

use http::StatusCode;
use rpc_core::types::{ClosedBy, GoAway};
use rpc_core::{CloseCode, CloseReason};

use crate::error::ConnectError;
use crate::reconnect::policy::Reconnect;
use crate::reconnect::setback::Setback;

mod delay;

use delay::{Delay, STABLE};

/// After so many attempts in a row that were answered, but not by a hello, the client resumes no more.
const UNHEARD: u32 = 3;

/// The plan of the attempts to connect.
#[derive(Debug)]
pub(crate) struct Backoff {
    delay: Delay,
    give_up_after: Option<Duration>,
    /// Whether credentials come from a provider, which may give others at the next attempt.
    has_provider: bool,
    /// Since when the client has a link, or has none.
    link: Link,
    /// The time without a link before `link`, since the last stable link.
    away_before: Duration,
    /// The server's `$/goaway`, which sets the first attempt after the loss of this link.
    goaway: Option<GoAway>,
    /// How many attempts in a row were answered, but not by a hello.
    unheard: u32,
    with_token: bool,
    /// Whether the last credential was refused with 401.
    is_unauthorized: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Up(Duration),
    Away(Duration),
}

/// The next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// When the attempt begins, unless the program asks for the attempt at once.
    pub(crate) at: Duration,
    /// Whether the attempt may resume the session. If not, the client goes on with a fresh session.
    pub(crate) with_token: bool,
    /// Whether the attempt needs another credential than the one that the server has refused with 401. If the
    /// provider gives the same credential again, the client ends with that refusal.
    pub(crate) other_credential: bool,
}

impl Plan {
    /// An attempt at once, for which nothing is known that speaks against it.
    pub(crate) const FIRST: Self =
        Self { at: Duration::ZERO, with_token: true, other_credential: false };
}

impl Backoff {
    /// Creates the plan of a client that has no link yet, at the time `now`.
    pub(crate) fn new(policy: &Reconnect, has_provider: bool, now: Duration) -> Self {
        Self {
            delay: Delay::new(policy.min_delay, policy.max_delay),
            give_up_after: policy.give_up_after,
            has_provider,
            link: Link::Away(now),
            away_before: Duration::ZERO,
            goaway: None,
            unheard: 0,
            with_token: true,
            is_unauthorized: false,
        }
    }

    /// Notes that an attempt begins, at its time or because the program wants the attempt now. Skipping the wait does
    /// not skip the doubling.
    pub(crate) fn begin(&mut self) {
        self.delay.begin();
    }

    /// Notes that the client has a link: the server's hello has arrived, or the server is a plain peer. `spread` is
    /// from the hello.
    pub(crate) fn up(&mut self, now: Duration, spread: Option<Duration>) {
        if let Link::Away(since) = self.link {
            self.away_before += now.saturating_sub(since);
        }
        self.link = Link::Up(now);
        self.delay.up(spread);
        (self.goaway, self.unheard, self.with_token, self.is_unauthorized) = (None, 0, true, false);
    }

    /// Notes over which time the server spreads the first attempts of its clients; its hello may come behind the
    /// beginning of the link.
    pub(crate) fn spread_over(&mut self, spread: Option<Duration>) {
        self.delay.spread_over(spread);
    }

    /// Notes that the program has given up the session, and its link if there is one.
    pub(crate) fn renewed(&mut self, now: Duration) {
        self.away(now);
    }

    /// Notes that the server has announced the end of this link.
    pub(crate) fn going_away(&mut self, news: GoAway) {
        self.goaway = Some(news);
    }

    /// Returns the next attempt after a setback; `None` if there is none, because the server does not want the client,
    /// or the program has ended the client.
    pub(crate) fn after(&mut self, setback: &Setback, now: Duration, random: u64) -> Option<Plan> {
        match setback {
            Setback::Lost(reason) => {
                self.lost(reason, now)?;
                let window = self.goaway.take().map(|news| news.window());
                let at = self.delay.after_loss(now, window, random);
                return Some(self.plan(at));
            }
            Setback::Failed(error) => self.failed(error, now)?,
            Setback::NoHello(reason) => {
                // The link may have taken the place of one that worked.
                self.away(now);
                self.no_hello(reason)?;
            }
            Setback::Setup(_) => {
                // This end has closed the link, and with it the session.
                self.with_token = false;
                self.away(now);
            }
        }
        Some(self.plan(self.delay.after_failure(now, random)))
    }

    /// Returns when the client gives up; `None` if never, or if the client has a link.
    pub(crate) fn gives_up_at(&self) -> Option<Duration> {
        let Link::Away(since) = self.link else { return None };
        since.checked_add(self.give_up_after?.saturating_sub(self.away_before))
    }

    fn plan(&self, at: Duration) -> Plan {
        Plan { at, with_token: self.with_token, other_credential: self.is_unauthorized }
    }

    fn lost(&mut self, reason: &CloseReason, now: Duration) -> Option<()> {
        if let Link::Up(since) = self.link
            && now.saturating_sub(since) >= STABLE
        {
            self.delay.reset();
            self.away_before = Duration::ZERO;
        }
        self.away(now);
        self.closed(reason)
    }

    fn no_hello(&mut self, reason: &CloseReason) -> Option<()> {
        // A server that is full says so by this code where the client cannot see a status.
        if (reason.by, reason.code) != (ClosedBy::Peer, Some(CloseCode::TRY_LATER)) {
            self.answered();
        }
        self.closed(reason)
    }

    /// Decides after the end of a link. An end that was a close has ended the session too, except where the client
    /// cannot know whether a proxy has closed: then the server decides.
    fn closed(&mut self, reason: &CloseReason) -> Option<()> {
        self.with_token &= match reason.by {
            ClosedBy::Link => true,
            ClosedBy::Peer => reason.code != Some(CloseCode::NORMAL),
            ClosedBy::Us => reason.code == Some(CloseCode::LINK_GIVEN_UP),
        };
        reason.may_reconnect().then_some(())
    }

    fn failed(&mut self, error: &ConnectError, now: Duration) -> Option<()> {
        match *error {
            ConnectError::Rejected { status: StatusCode::UNAUTHORIZED, .. } => {
                if !self.has_provider || self.is_unauthorized {
                    return None;
                }
                self.is_unauthorized = true;
                self.answered();
            }
            _ if !error.may_retry() => return None,
            ConnectError::Rejected {
                status: StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE,
                ..
            } => {}
            _ if error.is_answer() => self.answered(),
            // No server was asked.
            ConnectError::Credentials(_) => {}
            _ => self.unheard = 0,
        }
        if let ConnectError::Rejected { retry_after: Some(wait), .. } = *error {
            self.delay.not_before(now, wait);
        }
        Some(())
    }

    fn answered(&mut self) {
        self.unheard += 1;
        self.with_token &= self.unheard < UNHEARD;
    }

    fn away(&mut self, now: Duration) {
        if let Link::Up(_) = self.link {
            self.link = Link::Away(now);
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
