//! One attempt to connect after the other.

use std::pin::Pin;
use std::time::Duration;

use http::HeaderValue;
use rpc_core::internal::runtime::timeout;

use crate::connect::Attempt;
use crate::error::ConnectError;
use crate::fallback::Fallback;
use crate::socket::Socket;

/// Makes attempts to connect, each with credentials of its own.
pub(crate) struct Dialer {
    /// One for each server, in the order of preference. There is at least one.
    pub(crate) attempts: Vec<Attempt>,
    /// How long each attempt may take.
    pub(crate) time: Duration,
}

/// An attempt under way. Dropping it closes the connection.
pub(crate) type Dialling = Pin<Box<dyn Future<Output = Dialled> + Send>>;

/// The end of an attempt.
pub(crate) enum Dialled {
    Connected(Socket),
    Failed {
        error: ConnectError,
        /// The credential of the attempt, if it had got one from the provider.
        credential: Option<HeaderValue>,
    },
    /// The provider has given the credential again that the server does not accept. No server was asked.
    SameCredential,
}

impl Dialer {
    /// Begins an attempt to connect to one of the servers. The provider of credentials must not give the `refused` one
    /// again.
    pub(crate) fn dial(
        &self,
        server: usize,
        fallback: Fallback,
        announces_resume: bool,
        refused: Option<HeaderValue>,
    ) -> Dialling {
        let (mut attempt, time) = (self.attempts[server].clone(), self.time);
        attempt.fallback = fallback;
        attempt.announce_resume(announces_resume);
        Box::pin(async move {
            let dialled = timeout(time, run(attempt, refused)).await;
            let error = ConnectError::Timeout(time);
            dialled.unwrap_or(Dialled::Failed { error, credential: None })
        })
    }
}

async fn run(mut attempt: Attempt, refused: Option<HeaderValue>) -> Dialled {
    if let Err(error) = attempt.authorize().await {
        return Dialled::Failed { error, credential: None };
    }
    let credential = attempt.credential();
    if refused.is_some() && refused == credential {
        return Dialled::SameCredential;
    }
    match attempt.connect().await {
        Ok(socket) => Dialled::Connected(socket),
        Err(error) => Dialled::Failed { error, credential },
    }
}
