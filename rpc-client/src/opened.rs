//! Links that are opened by the hello of the connection, and who waits for that.

use http::HeaderValue;
use tokio::sync::oneshot;

#[cfg(not(target_family = "wasm"))]
use crate::connect::Attempt;
use crate::error::ConnectError;

/// How the opening of a link ends.
pub(crate) struct Opened {
    ended: oneshot::Receiver<Result<(), ConnectError>>,
    /// The credential of the attempt.
    pub(crate) credential: Option<HeaderValue>,
}

impl Opened {
    /// Returns how to tell of the opening, and how to hear of it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn channel(attempt: &Attempt) -> (oneshot::Sender<Result<(), ConnectError>>, Self) {
        let (opened, ended) = oneshot::channel();
        (opened, Self { ended, credential: attempt.credential() })
    }

    /// Waits for the end. `None` if the connection ended before.
    pub(crate) async fn wait(self) -> Option<Result<(), ConnectError>> {
        self.ended.await.ok()
    }

    /// Returns the error with which the opening has failed, if it has.
    pub(crate) fn error(&mut self) -> Option<ConnectError> {
        self.ended.try_recv().ok()?.err()
    }
}
