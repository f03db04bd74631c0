//! [`ConnectError`], the reason why a client has no connection.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter::successors;
use std::time::Duration;

use http::StatusCode;
use rpc_core::internal::Escaped;
use rpc_core::types::{CallerType, LimitsError};
use rpc_core::{CloseReason, RouterError};

use crate::reconnect::Setback;

/// The reason why a client has no connection. The text of each error has the cause and names the change to make, so
/// printing the error is enough. No text contains the URL or a header, since both may hold credentials. Text of the
/// server is escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be used.
    #[error("the URL cannot be used: {0}")]
    Url(&'static str),
    /// A header or subprotocol is invalid. The text names the header, unless the name itself is invalid.
    #[error("a header cannot be sent: {0}")]
    Header(String),
    /// Two limits contradict each other.
    #[error("the limits contradict each other: {0}")]
    Limits(LimitsError),
    /// Two methods have the same name, or the name of a method is reserved.
    #[error("not every method can be offered: {0}")]
    Router(RouterError),
    /// A service [asks for callers](rpc_core::Service::requires_caller). Only a server has callers.
    #[error(
        "a service asks for callers of the type `{0}`, and a client knows nothing of its server's: offer the service \
         without `requires_caller`"
    )]
    Caller(CallerType),
    /// The settings of [`Reconnect`](crate::Reconnect) cannot be used.
    #[error("the policy of reconnecting cannot be used: {0}")]
    Reconnect(&'static str),
    /// The settings of [`Fallback`](crate::Fallback) cannot be used.
    #[error("server-sent events cannot be used: {0}")]
    Fallback(&'static str),
    /// The provider of the [`bearer_token`](crate::ClientBuilder::bearer_token) failed or panicked, or returned a token
    /// that cannot be sent. The text has the error of the provider, with its causes.
    #[error("no credentials: {}", one_line(&**.0))]
    Credentials(Box<dyn Error + Send + Sync>),
    /// The host is unknown or cannot be reached, or the connection to the host broke.
    #[error("no connection to `{host}`: {error}")]
    Io {
        /// The host and port, or the path of the Unix socket.
        host: String,
        /// The cause. If addresses were tried, the text lists each address with its own error, and the kind
        /// is the kind of the last of these errors.
        error: io::Error,
    },
    /// There is no way to the server through the [proxy](crate::Proxy).
    #[cfg(not(target_family = "wasm"))]
    #[error("no way through the proxy `{host}`: {reason}")]
    Proxy {
        /// The host and port of the proxy.
        host: String,
        /// The kind of the failure.
        kind: crate::ProxyFailure,
        /// An explanation of the failure, and the change to make if there is one.
        reason: String,
    },
    /// The child process that is the server cannot be started.
    #[cfg(feature = "process")]
    #[error(transparent)]
    Start(io::Error),
    /// The TLS handshake failed, in most cases because the client does not trust the certificate of the server.
    #[cfg(feature = "tls-no-provider")]
    #[error("no secure connection to `{host}`: {reason}")]
    Tls {
        /// The host and port, or the path of the Unix socket.
        host: String,
        /// An explanation of the failure, and the change to make.
        reason: &'static str,
        /// The cause. The cause contains a [`rustls::Error`](crate::rustls::Error), unless the connection just ended.
        source: io::Error,
    },
    /// The system has no root certificates, or the program has no provider of cryptography.
    #[cfg(feature = "tls-no-provider")]
    #[error(transparent)]
    TlsSetup(#[from] crate::TlsError),
    /// Connecting took longer than [`connect_timeout`](crate::ClientBuilder::connect_timeout).
    #[error("no connection within {0:?}: `connect_timeout` sets how long to wait")]
    Timeout(Duration),
    /// The server refused the WebSocket by an HTTP answer. 401 and 403 concern the credentials, 404 the path; 503 asks
    /// the client to connect later; 301 and similar codes name another URL. The client does not follow redirects.
    #[error(
        "the server answered {status}{}{}{}", elsewhere(.location), later(.retry_after), excerpt(.body)
    )]
    Rejected {
        /// The status.
        status: StatusCode,
        /// The beginning of the answer's body, at most 1 KiB. Bytes that are not UTF-8 are replaced. The text comes
        /// from the server, so escape the text before you show it.
        body: String,
        /// The URL that the server names instead (`Location`).
        location: Option<Location>,
        /// The time that the server asks to wait before the next attempt (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// The [hook for a fresh session](crate::ClientBuilder::on_session) failed or panicked. The text has the error of
    /// the hook, with its causes.
    #[error("the session could not begin: {}", one_line(&**.0))]
    Session(Box<dyn Error + Send + Sync>),
    /// The connection ended before its first session had begun.
    #[error("the connection ended before its session had begun: {0}")]
    Lost(CloseReason),
    /// A client that [waits for its first connection](crate::Reconnect::wait_for_first) has given up
    /// ([`give_up_after`](crate::Reconnect::give_up_after)).
    #[error("no connection within {after:?}{}", after_all(.error))]
    GaveUp {
        /// The time without a connection.
        after: Duration,
        /// What went wrong last. `None` if the first attempt was still under way.
        error: Option<Setback>,
    },
    /// The server violates HTTP or the WebSocket handshake.
    #[error("this is no WebSocket server: {0}")]
    Handshake(&'static str),
}

impl ConnectError {
    /// Returns whether another attempt with the same settings may succeed. A client that
    /// [reconnects](crate::Reconnect) goes on after such an error.
    ///
    /// | error | another attempt |
    /// |---|---|
    /// | `Io`, `Timeout`, `Handshake`, `Tls`, `Credentials` | may succeed: networks, servers and certificates change |
    /// | `Start` | may succeed, unless there is no such program, or it must not be run |
    /// | `Session`, `Lost`, `GaveUp` | may succeed; after `Lost` only if its [`may_reconnect`](CloseReason::may_reconnect) |
    /// | `Rejected` with 401 or 403 | fails: the server does not accept these credentials. With other credentials it may succeed |
    /// | `Rejected` with another status | may succeed: while servers restart, proxies answer 404 or 502 |
    /// | `Proxy` | may succeed, unless the proxy does not accept the user (`Login`), or never lets one connect there (`Forbidden`) |
    /// | `Url`, `Header`, `Limits`, `Router`, `Caller`, `Reconnect`, `Fallback`, `TlsSetup` | fails: change the program |
    ///
    /// ```
    /// use std::time::Duration;
    /// use rpc_client::ConnectError;
    ///
    /// assert!(ConnectError::Timeout(Duration::from_secs(10)).may_retry());
    /// assert!(!ConnectError::Url("write `ws://host:port/path`").may_retry());
    /// ```
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Url(_)
            | Self::Header(_)
            | Self::Limits(_)
            | Self::Router(_)
            | Self::Caller(_)
            | Self::Reconnect(_)
            | Self::Fallback(_) => false,
            #[cfg(not(target_family = "wasm"))]
            Self::Proxy { kind, .. } => {
                !matches!(kind, crate::ProxyFailure::Login | crate::ProxyFailure::Forbidden)
            }
            #[cfg(feature = "process")]
            Self::Start(error) => {
                !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
            }
            #[cfg(feature = "tls-no-provider")]
            Self::TlsSetup(_) => false,
            #[cfg(feature = "tls-no-provider")]
            Self::Tls { .. } => true,
            Self::Rejected { status, .. } => {
                ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(status)
            }
            Self::Lost(reason) => reason.may_reconnect(),
            Self::Credentials(_)
            | Self::Io { .. }
            | Self::Timeout(_)
            | Self::Session(_)
            | Self::GaveUp { .. }
            | Self::Handshake(_) => true,
        }
    }

    /// Returns the same error once more, if the server does not accept the credentials (401).
    pub(crate) fn unauthorized(&self) -> Option<Self> {
        match self {
            Self::Rejected { status: StatusCode::UNAUTHORIZED, body, location, retry_after } => {
                let (status, body) = (StatusCode::UNAUTHORIZED, body.clone());
                let (location, retry_after) = (location.clone(), *retry_after);
                Some(Self::Rejected { status, body, location, retry_after })
            }
            _ => None,
        }
    }

    /// Returns whether something between the client and the server may have refused the WebSocket.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn may_be_of_proxy(&self) -> bool {
        match self {
            Self::Rejected { status, .. } => ![401, 429].contains(&status.as_u16()),
            Self::Handshake(_) | Self::Io { .. } | Self::Timeout(_) => true,
            _ => false,
        }
    }

    /// Returns whether something between the client and the server lets WebSockets open, and no message pass.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn is_swallowed(&self) -> bool {
        matches!(self, Self::Handshake(reason) if *reason == SWALLOWED)
    }

    /// Returns whether a server, or what stands before it, has answered the handshake.
    pub(crate) fn is_answer(&self) -> bool {
        match self {
            Self::Rejected { .. } => true,
            Self::Handshake(reason) => *reason != NO_ANSWER,
            _ => false,
        }
    }
}

/// The text of the error of a server that has accepted a connection and has not answered.
pub(crate) const NO_ANSWER: &str = "it closed the connection without an answer";

/// The text of the error of a WebSocket that has opened, and over which the hello was not answered.
#[cfg(not(target_family = "wasm"))]
pub(crate) const SWALLOWED: &str = "it opened the WebSocket, and then nothing came";

/// The URL that a server names instead of its own. In most cases the URL is an `https://` URL: connect to it as
/// `wss://`.
///
/// `Display` and `Debug` show one line without user, password, query and fragment, since these may be credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    #[cfg_attr(target_family = "wasm", expect(dead_code, reason = "a page sees no HTTP answer"))]
    pub(crate) fn new(value: &[u8]) -> Self {
        Self(String::from_utf8_lossy(value).into_owned())
    }

    /// Returns the whole URL, as the server sent it. Bytes that are not UTF-8 are replaced.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.split(['?', '#']).next().unwrap_or_default();
        let Some((scheme, rest)) = place.split_once("//") else {
            return f.write_str(&harmless(place));
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        f.write_str(&harmless(&format!("{scheme}//{host}{path}")))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

impl From<LimitsError> for ConnectError {
    fn from(error: LimitsError) -> Self {
        Self::Limits(error)
    }
}

impl From<RouterError> for ConnectError {
    fn from(error: RouterError) -> Self {
        Self::Router(error)
    }
}

/// How many characters of a server's text are shown.
const SHOWN: usize = 200;

/// Returns one escaped line of the server's text, which is safe in a log.
pub(crate) fn excerpt(body: &str) -> String {
    let line = body.trim().lines().next().unwrap_or_default();
    if line.is_empty() { String::new() } else { format!(": {}", harmless(line)) }
}

/// Returns an error of the application with its causes, as one line that is safe in a log.
pub(crate) fn one_line(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in successors(error.source(), |&cause| cause.source()) {
        text = format!("{text}: {cause}");
    }
    harmless(&text)
}

fn elsewhere(location: &Option<Location>) -> String {
    let Some(location) = location else { return String::new() };
    format!(" and points to `{location}`, which is not followed")
}

fn later(retry_after: &Option<Duration>) -> String {
    retry_after.map(|wait| format!(" (try again in {wait:?})")).unwrap_or_default()
}

fn after_all(error: &Option<Setback>) -> String {
    error.iter().map(|error| format!(": {error}")).collect()
}

fn harmless(text: &str) -> String {
    let text: String = text.chars().take(SHOWN).collect();
    Escaped(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(body: &str, location: Option<&str>, retry_after: Option<u64>) -> ConnectError {
        ConnectError::Rejected {
            status: StatusCode::FORBIDDEN,
            body: body.into(),
            location: location.map(|location| Location::new(location.as_bytes())),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn a_rejection_shows_one_harmless_line() {
        let text = |body: &str| rejection(body, None, None).to_string();
        assert_eq!(text(""), "the server answered 403 Forbidden");
        assert_eq!(text("no\nentry"), "the server answered 403 Forbidden: no");
        assert_eq!(text("\u{1b}[2J"), "the server answered 403 Forbidden: \\u{1b}[2J");
        assert!(text(&"x".repeat(1000)).len() < 300);
    }

    #[test]
    fn a_rejection_shows_where_else_and_when_to_try_but_no_credential() {
        for (location, shown) in [
            ("https://a.example/rpc", "`https://a.example/rpc`"),
            ("https://a.example", "`https://a.example`"),
            ("https://ada:secret@a.example/x?token=secret#secret", "`https://a.example/x`"),
            ("//ada:secret@a.example", "`//a.example`"),
            ("/login?next=secret", "`/login`"),
            ("/x\u{1b}\n", "`/x\\u{1b}\\n`"),
        ] {
            let error = rejection("", Some(location), None);
            assert!(error.to_string().contains(&format!("points to {shown}")), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
        let text = rejection("busy", None, Some(30)).to_string();
        assert_eq!(text, "the server answered 403 Forbidden (try again in 30s): busy");
    }

    #[test]
    fn another_attempt_is_worth_it_unless_the_program_or_the_server_forbids_it() {
        for (status, may_retry) in [
            (301, true),
            (400, true),
            (401, false),
            (403, false),
            (404, true),
            (409, true),
            (429, true),
            (503, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let error = ConnectError::Rejected {
                status,
                body: String::new(),
                location: None,
                retry_after: None,
            };
            assert_eq!(error.may_retry(), may_retry, "{status}");
            assert!(error.is_answer());
        }
        let io = io::Error::from(io::ErrorKind::ConnectionRefused);
        for (error, is_answer) in [
            (ConnectError::Io { host: "a:80".into(), error: io }, false),
            (ConnectError::Timeout(Duration::ZERO), false),
            (ConnectError::Handshake("no"), true),
            (ConnectError::Handshake(NO_ANSWER), false),
            (ConnectError::Credentials("no".into()), false),
        ] {
            assert!(error.may_retry(), "{error}");
            assert_eq!(error.is_answer(), is_answer, "{error}");
        }
        #[cfg(feature = "tls-no-provider")]
        {
            let (host, source) = ("a:443".into(), io::ErrorKind::InvalidData.into());
            assert!(ConnectError::Tls { host, reason: "no", source }.may_retry());
        }
        for error in [
            ConnectError::Url("no"),
            ConnectError::Header("no".into()),
            ConnectError::Reconnect("no"),
        ] {
            assert!(!error.may_retry(), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_is_in_the_text_and_not_told_once_more_below() {
        let io = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let error = ConnectError::Io { host: "a:80".into(), error: io };
        assert_eq!(error.to_string(), "no connection to `a:80`: refused");
        assert!(std::error::Error::source(&error).is_none());

        let mut limits = rpc_core::Limits::client();
        limits.batch = 0;
        let wrong = limits.check().unwrap_err();
        let error = ConnectError::from(wrong.clone());
        assert_eq!(error.to_string(), format!("the limits contradict each other: {wrong}"));
        assert!(std::error::Error::source(&error).is_none());
    }
}
