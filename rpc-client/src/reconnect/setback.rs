//! The reasons why a client has no link.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rpc_core::CloseReason;

use crate::error::{ConnectError, one_line};

/// The reason why a client that reconnects has no link.
///
/// `Display` shows one line for a log, with neither a URL nor a credential.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Setback {
    /// The link was lost or closed.
    Lost(CloseReason),
    /// An attempt to connect has failed.
    Failed(Arc<ConnectError>),
    /// A link was made to resume the session, and ended before the server's hello.
    NoHello(CloseReason),
    /// The link was there, but the program could not begin its session: its hook for a fresh session returned this
    /// error, or panicked.
    Setup(Arc<dyn Error + Send + Sync>),
}

impl Setback {
    /// Returns whether the client may make another attempt behind this setback.
    pub(crate) fn may_retry(&self) -> bool {
        match self {
            Self::Lost(reason) | Self::NoHello(reason) => reason.may_reconnect(),
            Self::Failed(error) => error.may_retry(),
            Self::Setup(_) => true,
        }
    }

    /// Returns the error of `connect` after this setback, of which nobody was told before.
    pub(crate) fn into_error(self) -> ConnectError {
        match self {
            Self::Lost(reason) | Self::NoHello(reason) => ConnectError::Lost(reason),
            Self::Setup(error) => ConnectError::Session(Box::new(error)),
            Self::Failed(error) => Arc::into_inner(error).expect("nobody was told"),
        }
    }
}

impl fmt::Display for Setback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(reason) => reason.fmt(f),
            Self::Failed(error) => error.fmt(f),
            Self::NoHello(reason) => write!(f, "no answer to the resume: {reason}"),
            Self::Setup(error) => {
                write!(f, "the session could not begin: {}", one_line(&**error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setback_is_one_line() {
        let lost = CloseReason::new(rpc_core::types::ClosedBy::Link, None, "reset\n");
        let setup = Setback::Setup(Arc::from(Box::<dyn Error + Send + Sync>::from("no\nlobby")));
        for (setback, text) in [
            (Setback::Lost(lost.clone()), "link lost: reset\\n"),
            (
                Setback::Failed(Arc::new(ConnectError::Handshake("no"))),
                "this is no WebSocket server: no",
            ),
            (Setback::NoHello(lost), "no answer to the resume: link lost: reset\\n"),
            (setup, "the session could not begin: no\\nlobby"),
        ] {
            assert_eq!(setback.to_string(), text);
        }
    }
}
