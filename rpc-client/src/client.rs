//! [`Client`], a connection to a server.

use std::sync::Arc;

use rpc_core::internal::runtime::spawn;
use rpc_core::transport::Endpoint;
use rpc_core::{CloseCode, CloseReason, Peer};
use tokio::sync::{mpsc, oneshot, watch};

use crate::agreed::Agreed;
use crate::builder::ClientBuilder;
use crate::connect::Attempt;
use crate::error::ConnectError;
use crate::fallback::Carrier;
use crate::reconnect::{
    Command, Commands, Dialer, OnSession, OnState, Parts, Reconnect, Reporter, State, States,
    Supervisor, Via, present,
};
use crate::socket::Socket;

/// A connection to a server.
///
/// With [`reconnect`](ClientBuilder::reconnect) the connection outlives its links:
/// [a client that stays connected](crate#a-client-that-stays-connected).
///
/// Dropping the `Client` closes the connection, with code 1000 and without waiting. [`Peer`]s can be cloned and passed
/// on, but they do not keep the connection open. So `connect(…).await?.peer()` returns the peer of a closed connection.
/// Calls on such a peer fail, and the error names this reason.
///
/// A task carries the connection, on the runtime that ran [`connect`](ClientBuilder::connect). Calls may be made from
/// anywhere. But while that runtime does not run (a current-thread runtime outside of its `block_on`), no call ends,
/// not even by its timeout.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = rpc_core::Router::new().method("add", |_: rpc_core::Context, (a, b): (i64, i64)| async move { Ok(a + b) });
/// # let server = rpc_server::Server::builder().service(server).bind("127.0.0.1:0").await?.spawn();
/// # let url = server.url();
/// use rpc_client::Client;
///
/// let client = Client::builder()
///     .header("authorization", "Bearer 0815")
///     .connect(&url) // such as `ws://127.0.0.1:9944`
///     .await?;
/// let peer = client.peer();
/// assert_eq!(peer.call::<i64>("add", (1, 2)).await?, 3);
/// assert_eq!(client.close().await.to_string(), "closed by this end with code 1000");
/// assert!(peer.call::<i64>("add", (1, 2)).await.is_err());
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "dropping it closes the connection"]
pub struct Client {
    peer: Peer,
    subprotocol: Option<Box<str>>,
    /// How a client is connected that does not reconnect.
    via: Via,
    supervised: Option<Supervised>,
}

/// The way to the task of a client that reconnects.
#[derive(Debug)]
struct Supervised {
    commands: mpsc::UnboundedSender<Command>,
    states: watch::Receiver<State>,
    via: watch::Receiver<Via>,
}

impl Client {
    /// Returns the settings of a new client, with their defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Starts the task of a client of this host, and waits until its link is open. If the future is dropped, so is the
    /// client.
    pub(crate) async fn start(
        endpoint: Endpoint,
        socket: Socket,
        host: Arc<str>,
    ) -> Result<Self, ConnectError> {
        let peer = endpoint.peer();
        let (Agreed { subprotocol, carrier, .. }, opened) = socket.spawn(endpoint);
        let client = Self { peer, subprotocol, via: Via { carrier, host }, supervised: None };
        if let Some(opened) = opened {
            match opened.wait().await {
                Some(opened) => opened?,
                None => return Err(ConnectError::Lost(client.closed().await)),
            }
        }
        Ok(client)
    }

    /// Starts the task of a client that reconnects, and waits for its first session. If the future is dropped, so is
    /// the client.
    pub(crate) async fn supervise(
        endpoint: Endpoint,
        dialer: Dialer,
        policy: Reconnect,
        (on_session, on_state): (Option<OnSession>, Option<OnState>),
    ) -> Result<Self, ConnectError> {
        let host = dialer.attempts.first().map(Attempt::host).unwrap_or_default();
        let (peer, reporter) = (endpoint.peer(), Reporter::new(on_state, host.clone()));
        let ((commands, obeyed), (first, opened)) = (mpsc::unbounded_channel(), oneshot::channel());
        let supervised =
            Supervised { commands, states: reporter.watch(), via: reporter.watch_via() };
        let mut client = Self {
            peer: peer.clone(),
            subprotocol: None,
            via: Via { carrier: Carrier::default(), host },
            supervised: Some(supervised),
        };
        let connection = endpoint.without_link();
        let commands = Commands::new(obeyed);
        let parts =
            Parts { peer, connection, dialer, policy, on_session, reporter, commands, first };
        drop(spawn(Supervisor::new(parts).run()));
        client.subprotocol = match opened.await {
            Ok(opened) => opened?,
            // The task is gone with its runtime.
            Err(_) => return Err(ConnectError::Lost(client.closed().await)),
        };
        Ok(client)
    }

    /// Returns the server as a peer, whose methods can be called.
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// Returns the subprotocol that the server has picked from those that the client
    /// [offers](ClientBuilder::subprotocol). `None` if the server has picked none. For a client that reconnects this is
    /// the subprotocol of its first link.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_server::Server;
    ///
    /// let server = Server::builder().subprotocol("mcp").bind("127.0.0.1:0").await?.spawn();
    /// let client = Client::builder().subprotocol("acp").subprotocol("mcp").connect(server.url()).await?;
    /// assert_eq!(client.subprotocol(), Some("mcp"));
    /// # Ok(()) }
    /// ```
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Returns the state of the client. A client that does not [reconnect](ClientBuilder::reconnect) is up until it has
    /// ended.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = rpc_server::Server::builder().bind("127.0.0.1:0").await?.spawn();
    /// # let url = server.url();
    /// use rpc_client::{Client, Reconnect};
    ///
    /// let client = Client::builder().reconnect(Reconnect::default()).connect(&url).await?;
    /// assert_eq!(client.state().to_string(), "up");
    /// # Ok(()) }
    /// ```
    pub fn state(&self) -> State {
        let states = self.supervised.as_ref().map(|supervised| &supervised.states);
        present(states, &self.peer, self.via.carrier)
    }

    /// Returns what carries the messages of the client: see [`fallback`](ClientBuilder::fallback). For a client that
    /// [reconnects](ClientBuilder::reconnect) and has no link, this is what carried them last.
    pub fn carrier(&self) -> Carrier {
        self.via().carrier
    }

    /// Returns the host and port of the server that the client is connected to, or the path of its socket: for a client
    /// with [alternatives](ClientBuilder::alternative). For a client that [reconnects](ClientBuilder::reconnect) and has no
    /// link, this is the server that it was connected to last.
    pub fn host(&self) -> Arc<str> {
        self.via().host
    }

    fn via(&self) -> Via {
        let supervised = self.supervised.as_ref();
        supervised.map_or_else(|| self.via.clone(), |supervised| supervised.via.borrow().clone())
    }

    /// Returns the states of the client, from the present one on, as a stream. The stream does not keep the client.
    pub fn states(&self) -> States {
        let states = self.supervised.as_ref().map(|supervised| supervised.states.clone());
        States::new(states, self.peer.clone(), self.via.carrier)
    }

    /// Begins the next attempt to connect at once, instead of waiting until it is time: the network has come back, or
    /// the user wants it. An attempt that has been under way for a second or more is begun again. If the client has a
    /// link, and its session can be resumed, the client makes another link, and uses the present one until then: for a
    /// client whose network has changed. A client that had [no WebSocket](crate::Fallback::WhenFails) tries to have one
    /// again. The waits after failed attempts go on growing.
    ///
    /// Without effect on a client that has ended or does not [reconnect](ClientBuilder::reconnect).
    pub fn reconnect_now(&self) {
        self.command(Command::ReconnectNow);
    }

    /// Ends the session and begins a fresh one, over another link: for a program whose user has changed, since the
    /// [credentials](ClientBuilder::bearer_token) of a link are asked for when the link is made. The client tells what
    /// was lost as if the server had ended the session.
    ///
    /// Waits until the fresh session has begun, with [`on_session`](ClientBuilder::on_session). Cancel safe: if the
    /// future is dropped, the client goes on to the fresh session.
    ///
    /// # Errors
    /// The reason for which the client has ended.
    ///
    /// # Panics
    /// If the client does not [reconnect](ClientBuilder::reconnect).
    pub async fn new_session(&self) -> Result<(), CloseReason> {
        assert!(
            self.supervised.is_some(),
            "only a client with `.reconnect(…)` has another session"
        );
        let (renewed, told) = oneshot::channel();
        self.command(Command::NewSession(renewed));
        match told.await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.peer.closed().await),
        }
    }

    fn command(&self, command: Command) {
        if let Some(supervised) = &self.supervised {
            // The task may have ended.
            let _ = supervised.commands.send(command);
        }
    }

    /// Closes the connection with code 1000, waits until the connection has ended, and returns how it ended. That takes
    /// at most [`close`](rpc_core::Limits::close) of the limits (5 s). If the connection had ended before, the result
    /// is the earlier reason. Calls without an answer fail. Cancel safe: if the future is dropped, the connection is
    /// closed all the same.
    pub async fn close(self) -> CloseReason {
        self.peer.close(CloseCode::NORMAL, "");
        self.peer.closed().await
    }

    /// Waits until the connection has ended, and returns how it ended. Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        self.peer.closed().await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.peer.close_dropped();
    }
}
