//! The opening of a link, and who waits for it.

use std::time::Duration;

use crate::connect::Attempt;
use crate::error::ConnectError;

/// A link that is to be opened.
pub(crate) struct Opening {
    pub(crate) attempt: Attempt,
    /// How long it may take.
    pub(crate) time: Duration,
    /// Why there is no WebSocket, if one was tried.
    pub(crate) before: Option<ConnectError>,
}

/// Returns the error of a link that could not be opened: why there is no WebSocket, unless the other way says that the
/// server does not want the client, or not now.
pub(super) fn told(error: ConnectError, before: Option<ConnectError>) -> ConnectError {
    let is_refusal = matches!(
        &error,
        ConnectError::Rejected { status, .. } if [401, 403, 429, 503].contains(&status.as_u16())
    );
    before.filter(|_| !is_refusal).unwrap_or(error)
}
