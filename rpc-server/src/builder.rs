//! The settings of a server that does not listen yet.

mod hooks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use rpc_core::layers::Layer;
use rpc_core::transport::{EndpointConfig, Framing, Hello, SessionMode};
use rpc_core::types::GoAway;
use rpc_core::{Dialect, Limits, Router, SameName, Service};
use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};

use crate::error::Error;
use crate::hooks::Hooks;
use crate::listener::{Address, Listener};
use crate::mount::RpcService;
use crate::origins::Origins;
use crate::proxies::Proxies;
use crate::server::BoundServer;
use crate::sessions::Sessions;
use crate::shared::{Paths, Settings, Shared};
use crate::subprotocols::Subprotocols;

/// The settings of a server that does not listen yet. [`Server::builder`](crate::Server::builder) makes a
/// `ServerBuilder`; [`bind`](Self::bind), [`listen_on`](Self::listen_on) and
/// [`into_tower_service`](Self::into_tower_service) make a server of the settings.
///
/// Hooks of the application meet each connection:
///
/// | hook | runs | time limit | after a panic |
/// |---|---|---|---|
/// | [`on_connect`](Self::on_connect) | once for each request for a connection or by `POST`, before the answer | [`handshake`](Limits::handshake) (10 s) for the whole handshake | the client is answered 500 |
/// | [`on_open`](Self::on_open) | once for each session, before its first request is served | [`handshake`](Limits::handshake) (10 s) | the panic hook reports the panic |
/// | [`on_link`](Self::on_link) | when a session loses its link, and when the session is resumed | none: the hook is a function that must be quick | the panic hook reports the panic |
/// | [`on_disconnect`](Self::on_disconnect) | once for each connection that `on_connect` has admitted, after the connection has ended | [`close`](Limits::close) (5 s) | the panic hook reports the panic |
#[must_use = "a server starts with `bind`"]
pub struct ServerBuilder {
    /// The offered services. They are moved into `config` when the server is made.
    router: Router,
    config: EndpointConfig,
    framing: Option<Framing>,
    paths: Paths,
    post: bool,
    sse: bool,
    subprotocols: Vec<String>,
    origins: Vec<String>,
    hosts: Vec<String>,
    proxies: Vec<String>,
    secure: bool,
    goaway: GoAway,
    #[cfg(feature = "tls-no-provider")]
    tls: Option<crate::tls::Tls>,
    hooks: Hooks,
    sessions: Option<Sessions>,
    /// How callers are compared.
    callers: Sessions,
}

impl ServerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            config: EndpointConfig::new(Router::new(), Limits::server()),
            framing: None,
            paths: Paths::default(),
            post: true,
            sse: false,
            subprotocols: Vec::new(),
            origins: Vec::new(),
            hosts: Vec::new(),
            proxies: Vec::new(),
            secure: false,
            goaway: GoAway::new("shutting down"),
            #[cfg(feature = "tls-no-provider")]
            tls: None,
            hooks: Hooks::default(),
            sessions: None,
            callers: Sessions::new(),
        }
    }

    /// Offers the methods of `service` to clients. `service` is the server half of a trait, or a
    /// [`Router`](rpc_core::Router). May be called several times.
    pub fn service(mut self, service: impl Service) -> Self {
        self.router = self.router.service(service);
        self
    }

    /// Offers a program that speaks JSON-RPC over its standard input and output: all methods that no service of this
    /// server offers are the program's, and the program may call the clients. The server speaks the bridge's
    /// [dialect](crate::Bridge::dialect), and takes no messages by [`POST`](Self::post).
    #[cfg(feature = "bridge")]
    pub fn bridge(mut self, bridge: crate::bridge::Bridge) -> Self {
        self.router = self.router.service(crate::bridge::Bridge::router());
        self.config.dialect = bridge.spoken();
        self.post = false;
        self.hooks.set_bridge(bridge);
        self
    }

    /// Puts `layer` around all methods that the server serves, and around all calls that the server makes. The layer
    /// that is added first is the outermost one. [`rpc_core::layers`] has ready-made layers, and shows how to write a
    /// layer. [`Service::layer`] puts a layer around one service, and [`Connecting::layer`](crate::Connecting::layer)
    /// around one connection.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.config.layers = self.config.layers.layer(layer);
        self
    }

    /// Sets what a connection may use, and how many connections there may be. Default: [`Limits::server`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = Arc::new(limits);
        self
    }

    /// Serves links without HTTP: each connection, or TLS connection, carries messages in this [`Framing`] from its first
    /// byte on. For programs that know no WebSocket: `nc`, tools that talk in lines, language servers on a port. By
    /// default the server serves WebSockets.
    ///
    /// All limits and hooks hold. The request that [`on_connect`](Self::on_connect) sees is empty, and a client that is
    /// refused sees only the end of the stream. There are no pings: over TCP, keepalive probes of the system find clients
    /// that have vanished. A first message that does not begin like JSON ends the link, so that no page can make a browser
    /// send messages by an HTTP request. But other programs of this machine can reach a port of the loopback address:
    /// prefer a [Unix socket](Self::bind_unix).
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::Client;
    /// use rpc_core::transport::Framing;
    /// use rpc_core::{Context, Router};
    /// use rpc_server::Server;
    ///
    /// let router = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    /// let server = Server::builder().service(router).framing(Framing::Lines).bind("127.0.0.1:0").await?.spawn();
    ///
    /// let client = Client::builder().connect(server.url()).await?; // such as `tcp://127.0.0.1:9944`
    /// assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    /// Sets whether the server pings a silent peer, and closes the connection if the peer stays silent. The times are
    /// [`ping`](Limits::ping) and [`dead_after`](Limits::dead_after). For a client that waits for the answer to a
    /// [`POST`](Self::post), TCP keepalive probes do the same in about the same time. On by default. If off, the
    /// connection of a peer that vanished without closing it stays open until the server sends something.
    pub fn keepalive(mut self, keepalive: bool) -> Self {
        self.config.keepalive = keepalive;
        self
    }

    /// Sets whether the server is a plain JSON-RPC 2.0 peer for every client. A plain server answers no `Rpc-Hello`
    /// header and no `$/hello`, and its messages have only the members of the specification. Off by default: the server
    /// uses extensions of the specification only with clients that have announced that they know the extensions. For
    /// one connection: [`Connecting::plain`](crate::Connecting::plain).
    pub fn plain(mut self, plain: bool) -> Self {
        self.config.hello = if plain { Hello::Never } else { Hello::Auto };
        self
    }

    /// Sets whether the server asks clients for [unstable](rpc_core::schema::MethodFlags::unstable) methods, which may change
    /// or go. Off by default: for the server there are no such methods then, and a call is answered -32601.
    pub fn unstable(mut self, unstable: bool) -> Self {
        self.config.unstable = unstable;
        self
    }

    /// Sets how both ends cancel calls, ask for progress and report progress, on all connections: as in the Language
    /// Server Protocol, or as in the Model Context Protocol. Default: [`Dialect::JsonRpc`]. For one connection:
    /// [`Connecting::dialect`](crate::Connecting::dialect).
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.config.dialect = dialect;
        self
    }

    /// Sets whether the server sends each message as one WebSocket frame. Some clients cannot join fragments: such
    /// clients take the first fragment for the whole message, or close the connection.
    ///
    /// Off by default: the server sends a message above 64 KiB in fragments of 64 KiB, with pings and pongs between the
    /// fragments. If on, a ping or pong waits until the message before it has been sent, so on a slow line the client
    /// may conclude that the server is gone. And the write buffer may hold the longest message that was sent, at most
    /// [`message_out`](Limits::message_out), in excess of [`write_buffer_max`](Limits::write_buffer_max). For one
    /// connection: [`Connecting::whole_frames`](crate::Connecting::whole_frames).
    pub fn whole_frames(mut self, whole_frames: bool) -> Self {
        self.config.whole_frames = whole_frames;
        self
    }

    /// Sets whether the server accepts requests and notifications without the member `jsonrpc`, as if the member were
    /// `"2.0"`. Clients of the app-server of Codex send no such member. Off by default: the server answers such a
    /// request with -32600, and drops such a notification. The server always accepts a response without the member. The
    /// server still sends the member in its own messages, and still refuses every version but `"2.0"`. For one
    /// connection: [`Connecting::jsonrpc_optional`](crate::Connecting::jsonrpc_optional).
    pub fn jsonrpc_optional(mut self, jsonrpc_optional: bool) -> Self {
        self.config.jsonrpc_optional = jsonrpc_optional;
        self
    }

    /// Sets what happens when the callers of two connections have the same name by
    /// [`Peer::identify`](rpc_core::Peer::identify). Default: [`SameName::Both`].
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::{Client, ConnectError};
    /// use rpc_core::SameName;
    /// use rpc_server::{Connecting, Server, StatusCode};
    ///
    /// let server = Server::builder()
    ///     .same_name(SameName::Refuse)
    ///     .on_connect(|connecting: Connecting| async move {
    ///         let user = connecting.header("x-user").unwrap_or("nobody");
    ///         connecting.peer().identify(format!("user:{user}"))?;
    ///         Ok(())
    ///     })
    ///     .bind("127.0.0.1:0").await?.spawn();
    ///
    /// let seven = || Client::builder().header("x-user", "7");
    /// let client = seven().connect(server.url()).await?;
    /// let Err(ConnectError::Rejected { status, .. }) = seven().connect(server.url()).await else { panic!() };
    /// assert_eq!(status, StatusCode::CONFLICT);
    /// # drop(client);
    /// # Ok(()) }
    /// ```
    pub fn same_name(mut self, same_name: SameName) -> Self {
        self.config.same_name = same_name;
        self
    }

    /// Serves this path only. The server compares the path of a request byte for byte, without the query, and answers
    /// other paths with 404. By default the server serves every path.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.paths.service = Some(path.into());
        self
    }

    /// Answers `GET` of this path, such as `/healthz`, with 200, so that a supervisor can restart a server that hangs.
    /// The server answers also while the server stops, and without calling [`on_connect`](Self::on_connect). The checks
    /// of `Host` and `Origin` apply, so the supervisor must use a [name](Self::allow_hosts) of the server. If the
    /// server is mounted in an app, the app must route this path to the server as well. No path by default.
    pub fn health(mut self, path: impl Into<String>) -> Self {
        self.paths.health = Some(path.into());
        self
    }

    /// Answers `GET` of this path, such as `/readyz`, with 200 if the server can take new connections. The answer is
    /// 503 while the server stops, while the limit [`connections`](Limits::connections) is reached, and while the
    /// application has set [`set_ready(false)`](crate::Server::set_ready). All other rules are those of
    /// [`health`](Self::health). No path by default.
    pub fn readiness(mut self, path: impl Into<String>) -> Self {
        self.paths.readiness = Some(path.into());
        self
    }

    /// Sets whether the server also takes messages by `POST` with `Content-Type: application/json`. Such a message is
    /// one request, notification or batch, and gets one answer: 204 if no response is owed. Meant for scripts and
    /// probes: each message goes through [`on_connect`](Self::on_connect), and counts as a connection while the server
    /// serves it. A method called by `POST` cannot call the client back, and cannot open a subscription. The server
    /// decodes no body: a request with `Content-Encoding` is answered 415. On by default.
    ///
    /// Pages of other origins cannot send messages by `POST`, not even [allowed](Self::allow_origins) pages: the
    /// browser first sends a preflight request (CORS), and the server answers the preflight request with 405, unless it
    /// offers [links over server-sent events](Self::sse) as well. Such pages open a WebSocket.
    pub fn post(mut self, post: bool) -> Self {
        self.post = post;
        self
    }

    /// Sets whether clients that WebSockets do not reach may connect by server-sent events and `POST`, on the same port
    /// and path: calls go both ways, as over a WebSocket, with the same limits and hooks. The page
    /// [`sse_and_post`](crate::sse_and_post) has the wire, and shows a link by `curl`. Off by default.
    ///
    /// [`on_connect`](Self::on_connect) runs for each request of such a link, and each must be of the same caller, by the
    /// rules of [`Sessions`]: the values of callers are compared by [`same_caller`](Self::same_caller), or else their
    /// [names](rpc_core::Peer::identify). Pages of [allowed](Self::allow_origins) origins may connect, too: the server
    /// answers the preflight requests of their browsers.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_client::{Client, Fallback};
    /// use rpc_core::{Context, Router};
    /// use rpc_server::Server;
    ///
    /// let add = Router::new().method("add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    /// let server = Server::builder().service(add).sse(true).bind("127.0.0.1:0").await?.spawn();
    ///
    /// let client = Client::builder().fallback(Fallback::Always).connect(server.url()).await?;
    /// assert_eq!(client.peer().call::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn sse(mut self, sse: bool) -> Self {
        self.sse = sse;
        self
    }

    /// Adds a WebSocket subprotocol, such as `mcp`. The server picks the subprotocol if a client offers it. Some
    /// clients, browsers among them, close the connection if the server picks none of the subprotocols that they offer.
    /// May be called several times, with the preferred subprotocol first. Upper and lower case differ. The name
    /// `jsonrpc2.resume` is reserved.
    ///
    /// The server adds `jsonrpc2` as the last one. If a client offers no subprotocol that the server knows, the server
    /// picks none, and still admits the client. [`Connecting::subprotocol`](crate::Connecting::subprotocol) returns the
    /// subprotocol that was picked. The subprotocol changes nothing else.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Lets web pages of these origins connect, such as `https://app.example` or `http://localhost:3000`. The scheme
    /// and the port must match, too. May be called several times.
    ///
    /// Browsers let any page connect to any server, with the user's cookies, and name the page in the header `Origin`.
    /// By default the server admits only pages from the same host and port that they connect to, and answers all other
    /// pages with 403. The origin `null` stands for all pages without an origin, such as files and sandboxed frames of
    /// any site. The origin `*` stands for all pages, and is for servers that trust neither cookies nor the place of a
    /// client in the network. A client that sends no `Origin` is no browser, and the server does not check its origin.
    ///
    /// The port counts as well. A `Host` without a port means the default port of the page's scheme. But if the server
    /// knows that clients [speak TLS](Self::secure), a `Host` without a port means port 443, and pages from `http://`
    /// are foreign.
    ///
    /// A client that connects over a loopback address must name `localhost`, a loopback address, or one of the
    /// [names](Self::allow_hosts) of the server in `Host`, whichever origins are allowed and whatever else the server
    /// listens on. Otherwise a page could make a name of its own point to this machine (DNS rebinding), and the server
    /// would admit the page. Over other addresses of the machine only [`allow_hosts`](Self::allow_hosts) protects the
    /// server from DNS rebinding.
    pub fn allow_origins<I>(mut self, origins: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Adds names by which clients may address the server, such as `app.example`. A name without a port allows every
    /// port. May be called several times. The server answers a request whose `Host` has another name with 403. Loopback
    /// names stay allowed over a loopback address, and over a Unix socket, whose [URL](crate::Server::url) has no name.
    ///
    /// Without this setting the server accepts every name over other addresses, but only loopback names over a loopback
    /// address. So a server behind a proxy on the same machine needs this setting if the proxy passes on the `Host` of
    /// the client.
    pub fn allow_hosts<I>(mut self, hosts: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Sets which proxies the server trusts: addresses, networks such as `10.0.0.0/8`, and `unix` for clients of a Unix
    /// socket. May be called several times. The server reads the `X-Forwarded-For` of these proxies only, and by
    /// default of no proxy. The limits for each address use the address that the proxy names, and so does
    /// [`client_addr`](crate::Connecting::client_addr). If a proxy names no address that can be read, the client counts
    /// under the address of the proxy, together with all other such clients.
    pub fn trusted_proxies<I>(mut self, proxies: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.proxies.extend(proxies.into_iter().map(Into::into));
        self
    }

    /// Speaks only TLS (`wss://`, `https://`) to clients. The TLS handshake must fit into the time of
    /// [`handshake`](Limits::handshake). A server that is mounted in an app leaves TLS to the app:
    /// [`into_tower_service`](Self::into_tower_service) fails if `tls` was called; call [`secure`](Self::secure)
    /// instead. With the feature `tls`.
    #[cfg(feature = "tls-no-provider")]
    pub fn tls(mut self, tls: crate::tls::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Says that clients speak TLS (`https://`, `wss://`) with an app or a proxy before this server, since the
    /// server cannot see that. Then a `Host` without a port means port 443, and pages from `http://` under the same
    /// name are [foreign](Self::allow_origins), because someone in the network may have sent those pages.
    /// Implied by `tls`. Off by default.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Sets when clients may reconnect after a [shutdown](crate::Server::shutdown): not earlier than `min` and not
    /// later than `max` after the close. Each client picks a random time between `min` and `max`, so that the clients
    /// do not all reconnect at once. Default: 0 to 5 s. The server sends the times by `$/goaway` to clients that know
    /// `$/goaway`.
    pub fn reconnect_after(mut self, min: Duration, max: Duration) -> Self {
        self.goaway = self.goaway.reconnect_after(min, max);
        self
    }

    /// Listens on `addr`. Port 0 means any free port. Clients that connect before [`spawn`](BoundServer::spawn) or
    /// [`serve`](BoundServer::serve) wait until the server serves them.
    ///
    /// # Errors
    /// [`Error::Address`] if `addr` cannot be resolved, [`Error::Listen`] if the server cannot listen on any of the
    /// addresses. The other variants if a setting is wrong.
    pub async fn bind(self, addr: impl ToSocketAddrs) -> Result<BoundServer, Error> {
        self.check()?;
        let addresses: Vec<_> = lookup_host(addr).await.map_err(Error::Address)?.collect();
        let listener = TcpListener::bind(&*addresses).await;
        let listener = listener.map_err(|error| Error::Listen { addresses, error })?;
        self.listen_on(listener)
    }

    /// Makes a server of an existing listener, for example a listener that a service manager has handed over: a
    /// `TcpListener` of tokio or, on Unix, a `UnixListener` of tokio. The server does not serve clients yet: see
    /// [`BoundServer`].
    ///
    /// # Errors
    /// [`Error::Listener`] if the listener has no address. The other variants if a setting is wrong.
    pub fn listen_on(self, listener: impl Into<Listener>) -> Result<BoundServer, Error> {
        let listener = listener.into();
        let address = listener.address().map_err(Error::Listener)?;
        Ok(BoundServer::new(listener, Shared::new(self.settle()?, address)))
    }

    /// Listens on a Unix socket of this path, which only the user of this process may use (mode 0600). The check of the
    /// mode is that of the system; let [`Connecting::unix_peer`](crate::Connecting::unix_peer) decide for more users, with
    /// a listener of your own.
    ///
    /// A file beside the socket, with `.lock` behind its name, is locked as long as the server listens. So of two servers
    /// that start at once one serves, and the other gets an error. The socket of a process that was killed is replaced. A
    /// socket on which another process listens, a file of another kind and a symbolic link are left alone, with an error.
    /// When the server stops to listen, both files are removed.
    ///
    /// # Errors
    /// [`Error::UnixSocket`] if the server cannot listen there. The other variants if a setting is wrong.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    #[cfg(unix)]
    pub fn bind_unix(self, path: impl AsRef<std::path::Path>) -> Result<BoundServer, Error> {
        self.check()?;
        let path = path.as_ref();
        let socket = crate::unix_socket::bind(path);
        self.listen_on(socket.map_err(|error| Error::UnixSocket { path: path.into(), error })?)
    }

    /// Serves the process that has started this one, over the standard input and output, until that link ends: for a
    /// language server (with [`Framing::ContentLength`]), a server of the Model Context Protocol, and whatever else an
    /// editor or an agent starts. The default of the [framing](Self::framing) is [`Framing::Lines`].
    ///
    /// Nothing else may print to the standard output, so no `println!`: let logs go to the standard error. When the input
    /// ends, what was asked is answered first. [`stdio`](rpc_core::transport::stdio) tells more.
    ///
    /// ```no_run
    /// use rpc_core::{Context, Dialect, Router};
    /// use rpc_server::Server;
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let router = Router::new().method("tools/list", |_: Context, (): ()| async { Ok(["hammer"]) });
    /// Server::builder().service(router).dialect(Dialect::Mcp).serve_stdio().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A setting is wrong.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    #[cfg(feature = "stdio")]
    pub async fn serve_stdio(mut self) -> Result<(), Error> {
        let framing = *self.framing.get_or_insert_default();
        let shared = Shared::new(self.settle()?, Address::Mounted);
        crate::framed::serve_stdio(shared, framing).await;
        Ok(())
    }

    /// Makes a tower service, to be mounted in an app of axum or hyper on the app's own port: see [`RpcService`]. The
    /// connections are served on the runtime on which the app runs.
    ///
    /// # Errors
    /// [`Error::MountedTls`] if `tls` was called. The other variants if a setting is wrong.
    pub fn into_tower_service(self) -> Result<RpcService, Error> {
        #[cfg(feature = "tls-no-provider")]
        if self.tls.is_some() {
            return Err(Error::MountedTls);
        }
        if self.framing.is_some() {
            return Err(Error::Framing("into_tower_service"));
        }
        Ok(RpcService::new(Shared::new(self.settle()?, Address::Mounted)))
    }

    /// Checks and returns the settings.
    fn settle(self) -> Result<Settings, Error> {
        self.check()?;
        let is_secure = self.is_secure();
        let mut config = self.config;
        config.services = Arc::new(self.router);
        if self.sessions.is_some() {
            config.sessions = SessionMode::Grant;
        }
        Ok(Settings {
            config,
            framing: self.framing,
            paths: self.paths,
            takes_posts: self.post,
            offers_sse: self.sse,
            subprotocols: Subprotocols::new(&self.subprotocols)?,
            origins: Origins::new(&self.origins, &self.hosts, is_secure)?,
            proxies: Proxies::new(&self.proxies)?,
            hooks: self.hooks,
            sessions: self.sessions,
            callers: self.callers,
            #[cfg(feature = "tls-no-provider")]
            tls: self.tls,
            goaway: self.goaway,
        })
    }

    /// Returns whether all clients speak TLS.
    fn is_secure(&self) -> bool {
        #[cfg(feature = "tls-no-provider")]
        if self.tls.is_some() {
            return true;
        }
        self.secure
    }

    fn check(&self) -> Result<(), Error> {
        self.config.limits.check()?;
        self.router.check()?;
        self.config.dialect.check(self.router.methods())?;
        self.check_caller()?;
        self.check_sessions()?;
        self.check_framing()?;
        self.paths.check()
    }

    /// Checks that links without HTTP have no settings of HTTP.
    fn check_framing(&self) -> Result<(), Error> {
        let set = [
            ("path", self.paths.service.is_some()),
            ("health", self.paths.health.is_some()),
            ("readiness", self.paths.readiness.is_some()),
            ("subprotocol", !self.subprotocols.is_empty()),
            ("allow_origins", !self.origins.is_empty()),
            ("allow_hosts", !self.hosts.is_empty()),
            ("trusted_proxies", !self.proxies.is_empty()),
            ("sessions", self.sessions.is_some()),
        ];
        match set.into_iter().find(|(_, is_set)| *is_set) {
            Some((setting, _)) if self.framing.is_some() => Err(Error::Framing(setting)),
            _ => Ok(()),
        }
    }

    /// Checks that `same` compares values of the type that `on_connect` returns. Otherwise no session would be resumed.
    fn check_sessions(&self) -> Result<(), Error> {
        let given = self.hooks.caller();
        let all = self.sessions.iter().chain([&self.callers]);
        match all.filter_map(|sessions| sessions.compares).find(|compares| given != Some(*compares))
        {
            Some(compares) => Err(Error::Sessions { compares, given }),
            None => Ok(()),
        }
    }

    /// Checks that `on_connect` returns callers of the type for which the services ask. Otherwise the services would
    /// find no caller.
    fn check_caller(&self) -> Result<(), Error> {
        match (self.router.caller_type(), self.hooks.caller()) {
            (Some(asked), given) if given != Some(asked) => Err(Error::Caller { asked, given }),
            _ => Ok(()),
        }
    }
}

impl Paths {
    fn check(&self) -> Result<(), Error> {
        let paths = [&self.service, &self.health, &self.readiness].map(Option::as_deref);
        for (at, path) in paths.iter().enumerate() {
            match path {
                Some(path) if !is_path(path) => return Err(Error::Path(path.to_string())),
                Some(same) if paths[..at].contains(path) => {
                    return Err(Error::SamePath(same.to_string()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_path(path: &str) -> bool {
    // The parser of `http` would also take `rpc` and `*`, and cuts off a fragment.
    path.starts_with('/')
        && !path.contains('#')
        && path.parse::<PathAndQuery>().is_ok_and(|parsed| parsed.query().is_none())
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("methods", &self.router)
            .field("config", &self.config)
            .field("paths", &self.paths)
            .field("subprotocols", &self.subprotocols)
            .field("origins", &self.origins)
            .field("hosts", &self.hosts)
            .field("proxies", &self.proxies)
            .field("secure", &self.is_secure())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_a_slash_and_has_nothing_behind_it() {
        for good in ["/", "/rpc", "/a/b", "/a%20b"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "rpc", "*", "/a?b", "/a?", "/a#b", "/a b", "ws://host/"] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
