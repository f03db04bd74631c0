//! The settings of a client that stays connected.

use rpc_core::Peer;
use rpc_core::transport::SessionMode;

use super::ClientBuilder;
use crate::client::Client;
use crate::connect::Attempt;
use crate::error::ConnectError;
use crate::reconnect::{Dialer, IntoOpened, OnSession, OnState, Reconnect, State};

/// # Staying connected
impl ClientBuilder {
    /// Makes the client connect again by itself when its link is lost. The [`Peer`] of the client, and all stubs made of
    /// it, stay valid; calls wait for the next link. [A client that stays connected](crate#a-client-that-stays-connected)
    /// says what goes on and what is lost. By default a client ends with its link.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_core::Router::new().method("add", |_: rpc_core::Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    /// # let server = rpc_server::Server::builder().service(server).bind("127.0.0.1:0").await?.spawn();
    /// # let url = server.url();
    /// use std::time::Duration;
    /// use rpc_client::{Client, Reconnect};
    ///
    /// let policy = Reconnect::default().max_delay(Duration::from_secs(10));
    /// let client = Client::builder().reconnect(policy).connect(&url).await?;
    /// assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn reconnect(mut self, policy: Reconnect) -> Self {
        self.reconnect = Some(policy);
        self
    }

    /// Runs `hook` at the beginning of each fresh session of a client that [reconnects](Self::reconnect): to log in, to
    /// join, to ask for the present state. The calls and notifications of the hook are sent before all else; what other
    /// code sends waits until the hook has returned. That does not hold for calls of tasks that the hook spawns. The
    /// hook does not run when a session is resumed, since then nothing has changed.
    ///
    /// The hook returns nothing, or a `Result` of nothing. If the hook fails or panics, the client closes the link, and
    /// makes the next attempt by its [`Reconnect`]. [`connect`](Self::connect) waits for the first run of the hook, and
    /// returns [`ConnectError::Session`] if the hook fails. If the session ends while the hook runs, the hook is
    /// dropped.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_core::Router::new().method("join", |_: rpc_core::Context, (room,): (String,)| async move { Ok(room) });
    /// # let server = rpc_server::Server::builder().service(server).bind("127.0.0.1:0").await?.spawn();
    /// # let url = server.url();
    /// use rpc_client::{Client, Reconnect};
    ///
    /// let client = Client::builder()
    ///     .reconnect(Reconnect::default())
    ///     .on_session(|peer| async move { peer.call::<String>("join", ("lobby",)).await.map(drop) })
    ///     .connect(&url)
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn on_session<F>(mut self, hook: impl Fn(Peer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoOpened> + Send + 'static,
    {
        self.on_session = Some(OnSession::new(hook));
        self
    }

    /// Calls `listener` with each new state of a client that [reconnects](Self::reconnect), in order. The task of the
    /// client calls the listener, so the listener should be quick. If the listener panics, the client goes on.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_server::Server::builder().bind("127.0.0.1:0").await?.spawn();
    /// # let url = server.url();
    /// use rpc_client::{Client, Reconnect};
    ///
    /// let client = Client::builder()
    ///     .reconnect(Reconnect::default())
    ///     .on_state(|state| println!("{state}")) // such as `away for 0.3 s, attempt 2 in 0.4 s: link lost`
    ///     .connect(&url)
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn on_state(mut self, listener: impl Fn(&State) + Send + Sync + 'static) -> Self {
        self.on_state = Some(OnState::new(listener));
        self
    }

    /// Checks the settings of a client that ends with its link.
    pub(super) fn check_single(&self) -> Result<(), ConnectError> {
        if self.on_session.is_some() || self.on_state.is_some() {
            let reason = "`on_session` and `on_state` are for a client with `.reconnect(…)`";
            return Err(ConnectError::Reconnect(reason));
        }
        Ok(())
    }

    /// Starts the task of a client that reconnects, and waits for its first session.
    pub(super) async fn supervise(
        self,
        attempts: Vec<Attempt>,
        policy: Reconnect,
    ) -> Result<Client, ConnectError> {
        let dialer = Dialer { attempts, time: self.time() };
        let hooks = (self.on_session.clone(), self.on_state.clone());
        let mode = if policy.session { SessionMode::Ask } else { SessionMode::Renew };
        Client::supervise(self.endpoint(mode), dialer, policy, hooks).await
    }
}
