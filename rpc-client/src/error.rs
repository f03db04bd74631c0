//! Why there is no connection.

use std::io;
use std::time::Duration;

use http::StatusCode;
use rpc_core::{LimitsError, RouterError};

/// Why there is no connection; each text names what to change. None repeats the URL or a header,
/// which may hold credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be used.
    #[error("the URL cannot be used: {0}")]
    Url(&'static str),
    /// A header or subprotocol cannot be sent; the text names it, unless it is no name at all.
    #[error("a header cannot be sent: {0}")]
    Header(String),
    /// Two limits contradict each other.
    #[error("the limits contradict each other")]
    Limits(#[from] LimitsError),
    /// A method's name is offered twice, or is reserved.
    #[error("not every method can be offered")]
    Router(#[from] RouterError),
    /// The host is not known, cannot be reached, or the connection to it broke.
    #[error("no connection to `{host}`")]
    Io {
        /// The host and port.
        host: String,
        /// What failed; of several addresses, the last one's failure.
        source: io::Error,
    },
    /// There is a connection, but not by TLS: above all, the server did not prove who it is.
    #[cfg(feature = "tls-no-provider")]
    #[error("no secure connection to `{host}`: {reason}")]
    Tls {
        /// The host and port.
        host: String,
        /// What to think of it.
        reason: &'static str,
        /// What failed; within it is a [`rustls::Error`](crate::rustls::Error), unless the connection
        /// just ended.
        source: io::Error,
    },
    /// There are no roots by which servers could be trusted, or nothing to do cryptography with.
    #[cfg(feature = "tls-no-provider")]
    #[error("TLS cannot be set up")]
    TlsSetup(#[from] crate::TlsError),
    /// It all took longer than [`connect_timeout`](crate::Builder::connect_timeout).
    #[error("no connection within {0:?}: `connect_timeout` sets how long to wait")]
    Timeout(Duration),
    /// The server gave another answer than a WebSocket: 401 and 403 are about credentials, 503 means
    /// later, 404 another path.
    #[error("the server answered {status}{}", excerpt(.body))]
    Rejected {
        /// The status.
        status: StatusCode,
        /// The beginning of the answer's body, at most 1 KiB, what is not UTF-8 replaced. It is the
        /// server's text: escape it where you show it.
        body: String,
    },
    /// The server breaks the rules of HTTP or of the WebSocket handshake.
    #[error("this is no WebSocket server: {0}")]
    Handshake(&'static str),
}

/// One line of the server's text, harmless in a log.
fn excerpt(body: &str) -> String {
    let line = body.trim().lines().next().unwrap_or_default();
    if line.is_empty() {
        return String::new();
    }
    format!(": {}", line.chars().take(200).flat_map(char::escape_debug).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_shows_one_harmless_line() {
        let text = |body: &str| {
            ConnectError::Rejected { status: StatusCode::FORBIDDEN, body: body.into() }.to_string()
        };
        assert_eq!(text(""), "the server answered 403 Forbidden");
        assert_eq!(text("no\nentry"), "the server answered 403 Forbidden: no");
        assert_eq!(text("\u{1b}[2J"), "the server answered 403 Forbidden: \\u{1b}[2J");
        assert!(text(&"x".repeat(1000)).len() < 300);
    }
}
