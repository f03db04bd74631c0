//! Why a connection ends: the codes of the wire, and what a caller is told.

use std::fmt;

use crate::util::escaped::Escaped;

/// A WebSocket close code, as in RFC 6455 section 7.4 and the table of this crate's wire format.
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
    /// 1000: done.
    pub const NORMAL: Self = Self(1000);
    /// 1001: going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the other end broke the WebSocket protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a binary message is not UTF-8, so it cannot be JSON.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: text that is not UTF-8.
    pub const INVALID_TEXT: Self = Self(1007);
    /// 1008: floods and other abuse.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: an internal error.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: restarting; come back.
    pub const RESTARTING: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_LATER: Self = Self(1013);
    /// 4008: the other end reads too slowly.
    pub const SLOW_READER: Self = Self(4008);
    /// 4401: not authenticated, or the authentication expired.
    pub const NOT_AUTHENTICATED: Self = Self(4401);
    /// 4403: forbidden.
    pub const FORBIDDEN: Self = Self(4403);
    /// 4409: taken over by a later connection of the same caller; do not come back by yourself.
    pub const TAKEN_OVER: Self = Self(4409);

    /// A code by number.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Whether this is one of the codes above.
    pub(crate) const fn is_known(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1009 | 1011..=1013 | 4008 | 4401 | 4403 | 4409)
    }

    /// Whether an endpoint may put this code into a close message (RFC 6455 section 7.4.2).
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

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReason {
    /// Which end decided.
    pub by: ClosedBy,
    /// The close code, where there was one; a link that was lost has none.
    pub code: Option<CloseCode>,
    /// A short text, for people. If the other end closed, the text is here as it came; the `Display` of
    /// `CloseReason` escapes it, so that it is harmless in a log.
    pub reason: String,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// This end, on request or because of a limit.
    Us,
    /// The other end.
    Peer,
    /// Neither: the link was lost, or fell silent.
    Link,
}

/// What the callers of this end are told when the value that a connection belongs to was dropped.
const DROPPED: &str = "the `Client` was dropped; keep it for as long as its peers are used";

impl CloseReason {
    /// How a connection ended: for tests of programs that are told so.
    pub fn new(
        by: ClosedBy,
        code: impl Into<Option<CloseCode>>,
        reason: impl Into<String>,
    ) -> Self {
        Self { by, code: code.into(), reason: reason.into() }
    }

    /// This end dropped what the connection belongs to.
    pub(crate) fn dropped() -> Self {
        Self::us(CloseCode::NORMAL, DROPPED)
    }

    /// The reason that the other end is given. What only this program can change is not for it.
    pub(crate) fn sent(&self) -> &str {
        if self.reason == DROPPED { "" } else { &self.reason }
    }

    pub(crate) fn us(code: CloseCode, reason: impl Into<String>) -> Self {
        Self { by: ClosedBy::Us, code: Some(code), reason: reason.into() }
    }

    /// Whether the other end reads nothing more: it has closed, or did not read before.
    pub(crate) fn peer_stopped_reading(&self) -> bool {
        self.by == ClosedBy::Peer || self.code == Some(CloseCode::SLOW_READER)
    }

    /// Whether this end closes on purpose, for nothing that the other one has done wrong: what it waits for is
    /// answered first.
    pub(crate) fn is_planned(&self) -> bool {
        let is_blame = |code: CloseCode| matches!(code.0, 1002 | 1003 | 1007..=1009 | 1011 | 4008);
        self.by == ClosedBy::Us && !self.code.is_some_and(is_blame)
    }

    /// Whether this end has closed since the other one may not stay.
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
