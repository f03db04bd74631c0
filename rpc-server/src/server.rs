//! [`BoundServer`], a server that listens, and [`Server`], the handle to a running server.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::internal::forget_ended_sessions;
use rpc_core::{CloseCode, Group, Peer};
use tokio::time::Instant;

use crate::accept::accept;
use crate::builder::ServerBuilder;
use crate::listener::Listener;
use crate::shared::Shared;
use crate::shutdown_report::ShutdownReport;
use crate::stats::ServerStats;

/// The longest grace. An [`Instant`] cannot represent now plus the longest [`Duration`].
const GRACE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A server that listens on its address and does not serve clients yet. Call [`spawn`](Self::spawn) or
/// [`serve`](Self::serve).
#[must_use = "a server must be spawned or served"]
pub struct BoundServer {
    listener: Listener,
    server: Server,
}

impl BoundServer {
    pub(crate) fn new(listener: Listener, shared: Arc<Shared>) -> Self {
        Self { listener, server: Server { shared } }
    }

    /// Returns the TCP address on which the server listens; `None` for a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.server.local_addr()
    }

    /// Returns the URL for clients, such as `ws://127.0.0.1:9944/rpc`; see [`Server::url`].
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns a handle to the server, for code that calls [`serve`](Self::serve).
    pub fn handle(&self) -> Server {
        self.server.clone()
    }

    /// Serves in a new task, until [`shutdown`](Server::shutdown). The server goes on when all handles are dropped.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub fn spawn(self) -> Server {
        let server = self.handle();
        tokio::spawn(self.serve());
        server
    }

    /// Serves until [`shutdown`](Server::shutdown) is called on a [`handle`](Self::handle), and returns when the last
    /// connection has ended. Dropping the future closes the listener. Open connections go on, each in its own task.
    pub async fn serve(self) {
        let Self { listener, server: Server { shared } } = self;
        accept(shared.clone(), listener).await;
        shared.lifecycle.ended().await;
    }
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer").field("url", &self.url()).finish_non_exhaustive()
    }
}

/// A handle to a server. Clones are handles to the same server. The server runs on when all handles are dropped.
///
/// A [table of `Peer`](rpc_core::Peer#ending-a-connection) compares [`stop`](Self::stop), [`shutdown`](Self::shutdown)
/// and [`kick`](Self::kick) with the methods that end a single connection.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use rpc_client::Client;
/// use rpc_core::{Context, Router};
/// use rpc_server::Server;
///
/// let router = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
/// let server = Server::builder().service(router).bind("127.0.0.1:0").await?.spawn();
///
/// let client = Client::builder().connect(&server.url()).await?;
/// assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
/// assert_eq!(server.peers().len(), 1);
///
/// server.shutdown(Duration::from_secs(30)).await;
/// assert_eq!(client.closed().await.to_string(), "closed by the other end with code 1012: shutting down");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// Returns the settings of a new server, with their defaults.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Returns the TCP address on which the server listens; `None` for a Unix socket, and for a server that is mounted
    /// in an app.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.shared.address.tcp()
    }

    /// Returns the URL for clients, such as `ws://127.0.0.1:9944/rpc`. The URL has a path only if
    /// [`path`](ServerBuilder::path) was set. For a server that is mounted in an app, the URL is the path alone.
    ///
    /// A server on a Unix socket has a URL such as `ws+unix:///run/app.sock:/rpc`. The path of the socket is absolute,
    /// and all characters but letters, digits and `/-._~@+,=` are percent-encoded. `rpc_client::Client` connects to
    /// such a URL. So does the npm package `ws`, but that package does not decode the path.
    pub fn url(&self) -> String {
        self.shared.address.url(self.shared.scheme(), self.shared.settings.paths.service.as_deref())
    }

    /// Returns all connected peers, in the order in which they connected.
    pub fn peers(&self) -> Vec<Peer> {
        self.shared.registry().peers()
    }

    /// Returns the peer with this id, if the peer is connected.
    pub fn peer(&self, id: &str) -> Option<Peer> {
        self.shared.registry().peer(id)
    }

    /// Returns all connected peers with this name by [`Peer::identify`], in the order in which they connected: all
    /// connections of one user. The lookup takes the same time however many other peers are connected.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_core::CloseCode;
    /// use rpc_server::{Connecting, Server};
    ///
    /// let server = Server::builder()
    ///     .on_connect(|connecting: Connecting| async move {
    ///         let user = connecting.header("x-user").unwrap_or("nobody");
    ///         connecting.peer().identify(format!("user:{user}"))?;
    ///         Ok(())
    ///     })
    ///     .bind("127.0.0.1:0").await?.spawn();
    ///
    /// let client = Client::builder().header("x-user", "7").connect(server.url()).await?;
    /// # while server.peers().is_empty() { tokio::task::yield_now().await; }
    /// for peer in server.peers_of("user:7") {
    ///     peer.close(CloseCode::NORMAL, "enough for today");
    /// }
    /// assert_eq!(client.closed().await.reason, "enough for today");
    /// # Ok(()) }
    /// ```
    pub fn peers_of(&self, name: &str) -> Vec<Peer> {
        self.shared.registry().peers_of(name)
    }

    /// Returns the group with this name. The group need not have members.
    pub fn group(&self, name: &str) -> Group {
        self.shared.registry().group(name)
    }

    /// Ends the connections of all peers for which `who` returns `true`, at once: see [`Peer::kick`]. Returns how many
    /// of these peers were connected.
    ///
    /// Use `kick` when logins are revoked: first make sure that [`on_connect`](crate::ServerBuilder::on_connect)
    /// refuses the revoked logins, then call `kick`. `kick` also calls `who` for clients that are connecting now, as
    /// soon as they are connected, and for guests when they have logged in. So no revoked login slips through. But if
    /// middleware of an app has checked the login before `on_connect`, then `on_connect` must check the login again.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_core::{CloseCode, Router};
    /// use rpc_server::{Connecting, Rejection, Server};
    ///
    /// struct User(u64);
    ///
    /// let server = Server::builder()
    ///     .service(Router::new())
    ///     .on_connect(|_: Connecting| async { Ok::<_, Rejection>(User(7)) })
    ///     .bind("127.0.0.1:0").await?.spawn();
    /// let client = Client::builder().connect(server.url()).await?;
    ///
    /// let is_seven = |peer: &rpc_core::Peer| peer.caller::<User>().is_some_and(|user| user.0 == 7);
    /// # while server.peers().is_empty() { tokio::task::yield_now().await; }
    /// assert_eq!(server.kick(is_seven, CloseCode::NOT_AUTHENTICATED, "logged out"), 1);
    /// assert_eq!(client.closed().await.code, Some(CloseCode::NOT_AUTHENTICATED));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If `who` panics. If `who` panics again for a client that is connecting now, the server does not admit that
    /// client.
    pub fn kick(
        &self,
        who: impl Fn(&Peer) -> bool + Send + Sync + 'static,
        code: CloseCode,
        reason: &str,
    ) -> usize {
        self.shared.registry().kick(who, code, reason)
    }

    /// Sets whether new connections should be sent to this server. [`readiness`](crate::ServerBuilder::readiness)
    /// answers 503 while this is `false`. `true` at first.
    pub fn set_ready(&self, is_ready: bool) {
        self.shared.set_ready(is_ready);
    }

    /// Returns the numbers of the server. `stats` visits each connection, so do not call it often.
    pub fn stats(&self) -> ServerStats {
        self.shared.totals.sum(self.shared.registry())
    }

    /// Stops the server as [`shutdown`](Self::shutdown) does, with the limit [`grace`](rpc_core::Limits::grace) (30 s).
    pub async fn stop(&self) -> ShutdownReport {
        self.shutdown(self.shared.limits().grace).await
    }

    /// Stops the server gracefully:
    ///
    /// - The listener is closed at once. Handshakes in progress are aborted.
    /// - Connected clients that know `$/goaway` are told when they may
    ///   [reconnect](crate::ServerBuilder::reconnect_after).
    /// - Running handlers may finish within `grace`, and their answers are sent. New requests are answered busy.
    /// - A connection is closed with 1012 as soon as nothing runs on it.
    /// - A [`POST`](crate::ServerBuilder::post) whose body has not arrived completely is answered 503.
    ///
    /// Returns a report of what was cut short, when all connections have ended. That takes at most `grace`, plus
    /// [`close`](rpc_core::Limits::close) (5 s) for the close, plus the same time again for `on_disconnect`.
    ///
    /// Several tasks may call `shutdown`. The last `grace` counts, so a second call can cut the first one short. Cancel
    /// safe: if the future is dropped, the server goes on stopping.
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let grace = grace.min(GRACE_MAX);
        // Mark the server as stopping before the loop over the peers: a connection that is made in between finds the
        // mark itself.
        self.shared.lifecycle.stop(Instant::now() + grace);
        let goaway = &self.shared.settings.goaway;
        for peer in self.peers() {
            peer.drain(CloseCode::RESTARTING, goaway, grace);
        }
        // The sessions that end later are forgotten with the end of their connection.
        forget_ended_sessions(self.shared.registry());
        self.shared.lifecycle.ended().await;
        self.shared.totals.shutdown_report()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url())
            .field("connections", &self.shared.registry().len())
            .finish_non_exhaustive()
    }
}
