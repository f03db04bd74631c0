//! The reasons why a connection ends: close codes on the wire, and reasons for callers.

use std::fmt;

use crate::util::escaped::Escaped;

/// A WebSocket close code, as in RFC 6455 section 7.4 and in the table of this crate's wire format.
///
/// ```
/// use rpc_core::CloseCode;
///
/// let code = CloseCode::from(1001);
/// assert_eq!((code, u16::from(code)), (CloseCode::GOING_AWAY, 1001));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the connection has done its work.
    pub const NORMAL: Self = Self(1000);
    /// 1001: this end is going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the WebSocket protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a binary message is not UTF-8, so it cannot be JSON.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: a text message is not UTF-8.
    pub const INVALID_TEXT: Self = Self(1007);
    /// 1008: the peer floods or abuses the connection in another way.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message is too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: an internal error.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the server restarts; the client should connect again.
    pub const RESTARTING: Self = Self(1012);
    /// 1013: the client should try again later.
    pub const TRY_LATER: Self = Self(1013);
    /// 4008: the peer reads too slowly.
    pub const SLOW_READER: Self = Self(4008);
    /// 4401: the peer is not authenticated, or its authentication has expired.
    pub const NOT_AUTHENTICATED: Self = Self(4401);
    /// 4403: the peer is forbidden to connect.
    pub const FORBIDDEN: Self = Self(4403);
    /// 4409: a later connection of the same caller has taken over. The client should not connect again by itself.
    pub const TAKEN_OVER: Self = Self(4409);
    /// 4410: the client gives up this link, and not what it has done over the link. The client comes back.
    pub const LINK_GIVEN_UP: Self = Self(4410);

    /// Creates a code from its number.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// Returns the number.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Returns whether this is one of the codes above.
    pub(crate) const fn is_known(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1009 | 1011..=1013 | 4008 | 4401 | 4403 | 4409 | 4410)
    }

    /// Returns whether an end closes with this code because of a fault, and not because the end wants to leave.
    const fn is_blame(self) -> bool {
        matches!(self.0, 1002 | 1003 | 1007..=1009 | 1011 | 4008)
    }

    /// Returns whether an endpoint may put this code into a close frame (RFC 6455 section 7.4.2).
    #[cfg(feature = "websocket")] // other transports decide for themselves
    pub(crate) const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self::new(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.value()
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The reason why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReason {
    /// The end that decided to close.
    pub by: ClosedBy,
    /// The close code. A lost link has none.
    pub code: Option<CloseCode>,
    /// A short text for people. If the peer closed the connection, this is the text as the peer sent it. The
    /// `Display` of `CloseReason` escapes the text, so that it is safe in a log.
    pub reason: String,
}

/// The end that closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// This end, on request or because of a limit.
    Us,
    /// The peer.
    Peer,
    /// Neither end: the link was lost, or fell silent.
    Link,
}

/// The reason that calls get after the owner of the connection was dropped.
const DROPPED: &str = "the `Client` was dropped; keep it for as long as its peers are used";

impl CloseReason {
    /// Creates a reason, for tests of programs that handle the end of a connection.
    pub fn new(
        by: ClosedBy,
        code: impl Into<Option<CloseCode>>,
        reason: impl Into<String>,
    ) -> Self {
        Self { by, code: code.into(), reason: reason.into() }
    }

    /// Returns whether a client may connect again by itself after its connection has ended for this reason.
    ///
    /// | the end | connects again |
    /// |---|---|
    /// | the link was lost | yes |
    /// | the server closed | yes, except with 4401, 4403 or 4409: the server does not want the client, or another client is in its place |
    /// | this end closed because of a fault or a limit (1002, 1003, 1007, 1008, 1009, 1011, 4008), or gave up the link (4410) | yes |
    /// | this end closed with another code, or the `Client` was dropped | no, since the program wanted the end |
    ///
    /// ```
    /// use rpc_core::types::ClosedBy;
    /// use rpc_core::{CloseCode, CloseReason};
    ///
    /// assert!(CloseReason::new(ClosedBy::Peer, CloseCode::RESTARTING, "update").may_reconnect());
    /// assert!(!CloseReason::new(ClosedBy::Peer, CloseCode::TAKEN_OVER, "").may_reconnect());
    /// assert!(!CloseReason::new(ClosedBy::Us, CloseCode::NORMAL, "").may_reconnect());
    /// ```
    pub fn may_reconnect(&self) -> bool {
        let unwanted = [CloseCode::NOT_AUTHENTICATED, CloseCode::FORBIDDEN, CloseCode::TAKEN_OVER];
        match self.by {
            ClosedBy::Link => true,
            ClosedBy::Peer => !self.code.is_some_and(|code| unwanted.contains(&code)),
            ClosedBy::Us => {
                self.code.is_some_and(|code| code.is_blame() || code == CloseCode::LINK_GIVEN_UP)
            }
        }
    }

    /// The reason for a connection whose owner was dropped at this end.
    pub(crate) fn dropped() -> Self {
        Self::us(CloseCode::NORMAL, DROPPED)
    }

    /// Returns the reason to send to the peer. Advice for this program is left out.
    pub(crate) fn sent(&self) -> &str {
        if self.reason == DROPPED { "" } else { &self.reason }
    }

    pub(crate) fn us(code: CloseCode, reason: impl Into<String>) -> Self {
        Self { by: ClosedBy::Us, code: Some(code), reason: reason.into() }
    }

    /// Returns whether the peer reads nothing more: it has closed the connection, or read too slowly before.
    pub(crate) fn peer_stopped_reading(&self) -> bool {
        self.by == ClosedBy::Peer || self.code == Some(CloseCode::SLOW_READER)
    }

    /// Returns whether this end closes on purpose, and not for a fault of the peer. Calls of the peer are answered
    /// first then.
    pub(crate) fn is_planned(&self) -> bool {
        self.by == ClosedBy::Us && !self.code.is_some_and(CloseCode::is_blame)
    }

    /// Returns whether this end has closed because the peer's access was revoked.
    pub(crate) fn is_revoked(&self) -> bool {
        let codes = [CloseCode::NOT_AUTHENTICATED, CloseCode::FORBIDDEN];
        self.by == ClosedBy::Us && self.code.is_some_and(|code| codes.contains(&code))
    }

    pub(crate) fn peer(code: Option<CloseCode>, reason: String) -> Self {
        Self { by: ClosedBy::Peer, code, reason }
    }

    pub(crate) fn link(reason: impl Into<String>) -> Self {
        Self { by: ClosedBy::Link, code: None, reason: reason.into() }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            ClosedBy::Us => "closed by this end",
            ClosedBy::Peer => "closed by the other end",
            ClosedBy::Link => "link lost",
        };
        f.write_str(by)?;
        if let Some(code) = self.code {
            write!(f, " with code {code}")?;
        }
        if !self.reason.is_empty() {
            write!(f, ": {}", Escaped(&self.reason))?;
        }
        Ok(())
    }
}

#[test]
fn a_client_comes_back_unless_it_or_the_server_wanted_the_end() {
    let may = |by, code: u16| CloseReason::new(by, CloseCode(code), "").may_reconnect();
    for code in [1000, 1001, 1002, 1008, 1009, 1011, 1012, 1013, 3000, 4008, 4999] {
        assert!(may(ClosedBy::Peer, code), "{code}");
    }
    for code in [4401, 4403, 4409] {
        assert!(!may(ClosedBy::Peer, code), "{code}");
    }
    for code in [1002, 1003, 1007, 1008, 1009, 1011, 4008, 4410] {
        assert!(may(ClosedBy::Us, code), "{code}");
    }
    for code in [1000, 1001, 1012, 1013, 3000, 4401, 4403, 4409] {
        assert!(!may(ClosedBy::Us, code), "{code}");
    }
    assert!(CloseReason::link("reset").may_reconnect());
    assert!(CloseReason::peer(None, String::new()).may_reconnect());
    assert!(!CloseReason::dropped().may_reconnect());
    assert!(!CloseReason::new(ClosedBy::Us, None, "").may_reconnect());
}
