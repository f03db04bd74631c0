//! The settings of reconnecting.

use std::time::Duration;

use crate::error::ConnectError;

/// How a client connects again by itself after its link was lost.
///
/// The first attempt begins a random time after the loss: within the time that the server asked for, or else within
/// 250 ms. Each attempt that fails doubles the time within which the next attempt begins, from
/// [`min_delay`](Self::min_delay) to [`max_delay`](Self::max_delay). Each time is random, between zero and that limit
/// ("full jitter"), so that many clients of one server do not come at once. A link that has lasted for 10 s sets the
/// time back. A server can ask for a later attempt by `$/goaway` and by `Retry-After`.
///
/// The client does not come back after an end that the program or the server wanted
/// ([`CloseReason::may_reconnect`](rpc_core::CloseReason::may_reconnect)), and not after HTTP 403. After HTTP 401 it
/// comes back once, if the provider of its [`bearer_token`](crate::ClientBuilder::bearer_token) then gives another
/// token.
///
/// ```
/// use std::time::Duration;
/// use rpc_client::Reconnect;
///
/// let policy = Reconnect::default()
///     .max_delay(Duration::from_secs(10))
///     .give_up_after(Duration::from_secs(3600));
/// # drop(policy);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a policy does nothing by itself"]
pub struct Reconnect {
    pub(crate) session: bool,
    pub(crate) wait_for_first: bool,
    pub(crate) min_delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) give_up_after: Option<Duration>,
    pub(crate) fail_back_after: Option<Duration>,
}

impl Default for Reconnect {
    /// Asks for a session, waits 250 ms doubling to 30 s, and never gives up. A first attempt that fails is an error.
    fn default() -> Self {
        Self {
            session: true,
            wait_for_first: false,
            min_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(30),
            give_up_after: None,
            fail_back_after: None,
        }
    }
}

/// The longest `max_delay`.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Reconnect {
    /// Sets whether the client asks the server for a session, which outlives its links. On by default. If off, or if
    /// the server has no sessions, calls whose requests were sent fail when their link is lost.
    pub fn session(mut self, session: bool) -> Self {
        self.session = session;
        self
    }

    /// Sets whether the client goes on connecting if its first attempt fails. Off by default: an error of the first
    /// attempt is the result of `connect`. If on, `connect` returns when the client is connected, or when it gives up:
    /// after [`give_up_after`](Self::give_up_after), and at once after an error that is not worth another attempt
    /// ([`ConnectError::may_retry`]).
    pub fn wait_for_first(mut self, wait_for_first: bool) -> Self {
        self.wait_for_first = wait_for_first;
        self
    }

    /// Sets the time within which the next attempt begins after one failed attempt. Default: 250 ms. At least 1 ms,
    /// and at most [`max_delay`](Self::max_delay).
    pub fn min_delay(mut self, min_delay: Duration) -> Self {
        self.min_delay = min_delay;
        self
    }

    /// Sets the longest time within which the next attempt begins after many failed attempts. Default: 30 s. At most a
    /// day.
    pub fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Sets how long the client may be without a link before it gives up: then its peers are closed. By default the
    /// client never gives up. The times without a link are added up until a link has lasted for 10 s.
    pub fn give_up_after(mut self, give_up_after: Duration) -> Self {
        self.give_up_after = Some(give_up_after);
        self
    }

    /// Sets how long the client stays with an [alternative](crate::ClientBuilder::alternative) before it looks whether
    /// a server with a preferred URL is back. Each look that finds nobody doubles the time, up to an hour. By default
    /// the client stays for as long as its session goes on.
    ///
    /// The present link works until the client is connected to the preferred server. Then the client resumes its
    /// session there: if the server knows the session, since both servers are nodes of one cluster or both URLs lead to
    /// the same server, nothing is lost. If not, a fresh session begins, with what that means for calls and
    /// subscriptions ([`State::Fresh`](crate::State::Fresh)). A client without a session stays.
    pub fn fail_back_after(mut self, fail_back_after: Duration) -> Self {
        self.fail_back_after = Some(fail_back_after);
        self
    }

    /// Checks the times.
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        let mistake = if self.min_delay < Duration::from_millis(1) {
            "`min_delay` is below 1 ms"
        } else if self.max_delay < self.min_delay {
            "`max_delay` is below `min_delay`"
        } else if self.max_delay > DAY {
            "`max_delay` is above a day"
        } else if self.give_up_after == Some(Duration::ZERO) {
            "`give_up_after` is zero: leave out the whole policy if the client shall not reconnect"
        } else if self.fail_back_after == Some(Duration::ZERO) {
            "`fail_back_after` is zero: the client needs some time between two looks"
        } else {
            return Ok(());
        };
        Err(ConnectError::Reconnect(mistake))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_what_cannot_is_named() {
        let (ms, day) = (Duration::from_millis, DAY);
        let default = Reconnect::default();
        assert!(default.check().is_ok());
        assert!(default.clone().min_delay(ms(1)).max_delay(ms(1)).check().is_ok());
        assert!(default.clone().min_delay(day).max_delay(day).give_up_after(ms(1)).check().is_ok());
        for (policy, hint) in [
            (default.clone().min_delay(Duration::ZERO), "`min_delay` is below 1 ms"),
            (default.clone().min_delay(ms(30_001)), "`max_delay` is below `min_delay`"),
            (default.clone().max_delay(ms(249)), "`max_delay` is below `min_delay`"),
            (default.clone().max_delay(day + ms(1)), "`max_delay` is above a day"),
            (default.clone().give_up_after(Duration::ZERO), "`give_up_after` is zero"),
            (default.clone().fail_back_after(Duration::ZERO), "`fail_back_after` is zero"),
        ] {
            let error = policy.check().unwrap_err().to_string();
            assert!(error.starts_with("the policy of reconnecting cannot be used: "), "{error}");
            assert!(error.contains(hint), "{error}");
        }
    }
}
