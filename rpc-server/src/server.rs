//! A server that listens, and the handle to one that runs.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::{CloseCode, Group, Peer};
use tokio::time::Instant;

use crate::accept::accept;
use crate::builder::ServerBuilder;
use crate::listener::Listener;
use crate::shared::Shared;
use crate::shutdown_report::ShutdownReport;
use crate::stats::ServerStats;

/// Longer than this nobody waits; the sum of now and the longest [`Duration`] would be no time.
const GRACE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A server that has its address and serves nobody yet: [`spawn`](Self::spawn) or
/// [`serve`](Self::serve) it.
#[must_use = "a server must be spawned or served"]
pub struct BoundServer {
    listener: Listener,
    server: Server,
}

impl BoundServer {
    pub(crate) fn new(listener: Listener, shared: Arc<Shared>) -> Self {
        Self { listener, server: Server { shared } }
    }

    /// Where it listens; `None` if that is a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.server.local_addr()
    }

    /// What to connect to, such as `ws://127.0.0.1:9944/rpc`; see [`Server::url`].
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A handle to the server, for those who [`serve`](Self::serve) it.
    pub fn handle(&self) -> Server {
        self.server.clone()
    }

    /// Serves in a task, until [`shutdown`](Server::shutdown). Dropping the handle, or all of
    /// them, does not stop it.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn(self) -> Server {
        let server = self.handle();
        tokio::spawn(self.serve());
        server
    }

    /// Serves until [`shutdown`](Server::shutdown) through a [`handle`](Self::handle), and returns
    /// when the last connection is gone. Dropping the future closes the listener; connections that
    /// exist go on, each in its own task.
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

/// A handle to a server. Clones are handles to the same one; it runs without any.
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
    /// Settings for a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Where it listens; `None` if that is a Unix socket, or the app's that it is mounted in.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.shared.address.tcp()
    }

    /// What to connect to, such as `ws://127.0.0.1:9944/rpc`; the path only if it was set. Of one that is
    /// mounted in an app it is the path alone.
    ///
    /// A server on a Unix socket has a URL such as `ws+unix:///run/app.sock:/rpc`. The path of the socket is
    /// absolute, and percent-encoded where it has more than letters, digits and `/-._~@+,=`. Our client connects
    /// to such a URL. So does the package `ws` of npm, but it decodes nothing.
    pub fn url(&self) -> String {
        self.shared.address.url(self.shared.scheme(), self.shared.settings.paths.service.as_deref())
    }

    /// Everyone who is connected, in the order in which they came.
    pub fn peers(&self) -> Vec<Peer> {
        self.shared.registry().peers()
    }

    /// The peer with this id, if it is connected.
    pub fn peer(&self, id: &str) -> Option<Peer> {
        self.shared.registry().peer(id)
    }

    /// Those who are connected and have this name by [`Peer::identify`], in the order in which they came: all
    /// connections of a user. They are looked up by the name, however many others there are.
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

    /// The group with this name, which need not have members.
    pub fn group(&self, name: &str) -> Group {
        self.shared.registry().group(name)
    }

    /// Ends the connections of those for whom `who` is true, at once: see [`Peer::kick`]. For logins that
    /// were revoked: first see to it that [`on_connect`](crate::ServerBuilder::on_connect) finds them revoked,
    /// then call this. It is asked of those as well who are connecting at the moment, and of guests when
    /// they have logged in, so that nobody slips through in between. (What the middleware of an app found
    /// out before, `on_connect` has to look up once more.) Says how many were connected.
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
    /// If `who` does. Who is connecting by then, and makes it panic again, is not let in.
    pub fn kick(
        &self,
        who: impl Fn(&Peer) -> bool + Send + Sync + 'static,
        code: CloseCode,
        reason: &str,
    ) -> usize {
        self.shared.registry().kick(who, code, reason)
    }

    /// Says whether new connections should be sent here, as far as the app can tell: what
    /// [`readiness`](crate::ServerBuilder::readiness) answers. True at first.
    pub fn set_ready(&self, is_ready: bool) {
        self.shared.set_ready(is_ready);
    }

    /// How the server is doing. Looks at each connection, so ask for it now and then only.
    pub fn stats(&self) -> ServerStats {
        self.shared.totals.sum(self.shared.registry())
    }

    /// Stops the server as [`shutdown`](Self::shutdown) does
    /// ([compared](rpc_core::Peer#ending-a-connection) with what ends one connection), with the
    /// [`grace`](rpc_core::Limits::grace) of its limits (30 s).
    pub async fn stop(&self) -> ShutdownReport {
        self.shutdown(self.shared.limits().grace).await
    }

    /// Stops the server, in good order ([compared](rpc_core::Peer#ending-a-connection) with [`stop`](Self::stop) and with what
    /// ends one connection). The listener is closed at once; those who are connected are told
    /// when to [come back](crate::ServerBuilder::reconnect_after) if they know what that means
    /// (`$/goaway`); handlers that run may finish within `grace`, and their answers are sent; new
    /// requests are answered busy. A connection with nothing left to do is closed with 1012. Handshakes
    /// under way are broken off. A [`POST`](crate::ServerBuilder::post) whose body has not come whole is answered 503.
    ///
    /// Returns when everything is gone, and says what was cut short: after `grace`, a close of at most
    /// [`close`](rpc_core::Limits::close) (5 s), and `on_disconnect` with as much again. Several
    /// may call this; the last `grace` counts, so a second call can cut short the first. May be
    /// dropped at any point: the server goes on stopping.
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let grace = grace.min(GRACE_MAX);
        // First the news, then the peers: one that comes in between finds the news by itself.
        self.shared.lifecycle.stop(Instant::now() + grace);
        let goaway = &self.shared.settings.goaway;
        for peer in self.peers() {
            peer.drain(CloseCode::RESTARTING, goaway, grace);
        }
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
