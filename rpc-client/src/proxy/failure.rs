//! Why there is no way through a proxy.

/// The kind of failure of a [proxy](crate::Proxy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyFailure {
    /// The proxy cannot be reached, or the connection to it broke.
    Unreachable,
    /// The proxy wants a user and a password, or does not accept those of its URL (HTTP 407 or 401).
    Login,
    /// The proxy lets nobody connect to this server (HTTP 403 and 405, SOCKS 2).
    Forbidden,
    /// The proxy cannot reach the server, or does not want to now (any other status of HTTP, any other code of SOCKS).
    Server,
    /// The proxy speaks another protocol.
    Protocol,
}

/// Why one attempt has failed.
pub(super) struct Failure {
    pub(super) kind: ProxyFailure,
    /// Shown to people. The text of the proxy is escaped.
    pub(super) reason: String,
}

impl Failure {
    pub(super) fn new(kind: ProxyFailure, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}
